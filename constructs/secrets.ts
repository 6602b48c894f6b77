import type { Construct } from 'constructs';
import { k8s } from 'cdk8s-plus-28';
import { UserError } from '../model/errors';
import { earlierLabels, labelOf } from '../model/secret-versions';
import { Platform } from './platform';
import { packageOf } from './tokens';

/**
 * A secret that the tree names and never holds. Its value is derived from the stack's seed when the stack is deployed.
 * It is written as its token, which may stand only in `stringData` of a Secret and in provisioned inputs.
 */
export class DerivedSecret {
  /** `<system>/<what>@v<version>`: names the value, tells nothing of it; a higher version is a new value. */
  readonly label: string;
  /** `v2`: the part of the label that a rotation changes, for the names of Jobs that tell a server of it. */
  readonly version: string;
  private readonly earlier: readonly string[];

  /**
   * `name` is lower-case letters, digits, `/` and `-`; which version it has is said by the stack.
   * @throws Error when the name is not such: its token would be deployed as it stands.
   */
  constructor(scope: Construct, name: string) {
    const { secrets } = Platform.of(scope).stack;
    this.label = labelOf(secrets, name);
    this.version = this.label.slice(name.length + 1);
    this.earlier = earlierLabels(secrets, name);
    if (secretsIn(this.token).length !== 1) throw new Error(`the name of a secret is lower-case letters, digits, / and -: '${name}'`);
  }

  get token(): string {
    return tokenOf(this.label);
  }

  /** Tokens of the values that it may have had before, the latest first; none when it was never rotated. */
  get earlierTokens(): readonly string[] {
    return this.earlier.map(tokenOf);
  }
}

function tokenOf(label: string): string {
  return `\${secret:${label}}`;
}

const tokenPattern = /\$\{secret:([a-z0-9/-]+@(?:e\d+)?v\d+)\}/g;

/** The labels of the secrets whose tokens stand in a text. */
export function secretsIn(text: string): string[] {
  return [...text.matchAll(tokenPattern)].map((match) => match[1]!);
}

/** The text with each token replaced by what `valueOf` gives for its label. */
export function resolveSecrets(text: string, valueOf: (label: string) => string): string {
  return text.replace(tokenPattern, (_token, label: string) => valueOf(label));
}

/** A value of an environment variable that comes from a Kubernetes Secret. */
export interface SecretKey {
  readonly secretName: string;
  readonly key: string;
  /** Labels of the derived secrets inside: a pod that reads the key is replaced when one of them changes. */
  readonly labels: readonly string[];
}

/** A Kubernetes Secret whose texts may hold tokens of derived secrets. */
export class SecretObject extends k8s.KubeSecret {
  constructor(
    scope: Construct,
    id: string,
    namespace: string,
    private readonly texts: Readonly<Record<string, string>>,
  ) {
    super(scope, id, { metadata: { name: id, namespace }, type: 'Opaque', stringData: { ...texts } });
  }

  key(key: string): SecretKey {
    return { secretName: this.name, key, labels: secretsIn(this.texts[key]!) };
  }

  /** For a server that reads the key when it makes its data and never again: a new version does not restart it, and a Job tells it. */
  keyReadOnce(key: string): SecretKey {
    return { secretName: this.name, key, labels: [] };
  }
}

/**
 * Refuses a token anywhere but in `stringData` of a Secret and in what is provisioned on servers.
 * @throws UserError that names the object and the path.
 */
export function refuseStraySecrets(object: { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } }): void {
  if (packageOf(object)) return;
  const strays: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'string' && secretsIn(value).length && !(object.kind === 'Secret' && path.startsWith('.stringData.'))) {
      strays.push(path.slice(1));
    }
    if (value && typeof value === 'object') {
      for (const [key, nested] of Object.entries(value)) {
        if (secretsIn(key).length) strays.push(`${path}.${key}`.slice(1));
        walk(nested, `${path}.${key}`);
      }
    }
  };
  walk(object, '');
  if (strays.length) {
    throw new UserError(
      `A secret stands where it would be readable, in ${object.kind} ${object.metadata.namespace ?? '_cluster'}/${object.metadata.name}:`,
      strays.map((path) => ({
        path,
        got: 'a derived secret',
        allowed: 'derived secrets only in stringData of a Secret and in provisioned inputs',
        fix: 'put it into a SecretObject and pass its key()',
      })),
    );
  }
}
