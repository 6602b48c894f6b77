import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { stateful } from './system';
import { provisionedGroup as group } from './tokens';
import type { Workload } from './workload';

export interface ProvisionerProps {
  /** The Pulumi package: `keycloak`, `minio`. */
  readonly package: string;
  /** The server; it is ready, and its routes are there, before anything is made on it. */
  readonly workload: Workload;
  /** Configuration of the package's provider, as it names it. Tokens of derived secrets may stand in it. */
  readonly config: Readonly<Record<string, string>>;
}

/** How Pulumi reaches a server of the platform to make things on it. */
export class Provisioner extends ApiObject {
  readonly package: string;
  readonly namespace: string;

  constructor(scope: Construct, id: string, props: ProvisionerProps) {
    super(scope, id, {
      apiVersion: `${group}/${props.package}`,
      kind: 'Provider',
      metadata: { name: props.package, namespace: props.workload.namespace },
      spec: { ...props.config },
    });
    this.package = props.package;
    this.namespace = props.workload.namespace;
    this.node.addDependency(props.workload.deployed, ...props.workload.exposedBy);
  }
}

export interface ProvisionedProps {
  readonly provisioner: Provisioner;
  /** Pulumi's type without the package: `openid/client:Client`. */
  readonly type: string;
  /** Lower case, unique among the type's resources; a contract like every name. */
  readonly name: string;
  /** Input properties as the package names them. Tokens of secrets and of other resources' outputs may stand in them. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** It holds data. @default false */
  readonly stateful?: boolean;
}

/**
 * A thing on a server of the platform: a realm, a client, a bucket, a policy. Rendered, diffed and checked like a
 * Kubernetes object; registered with Pulumi when its server is ready.
 */
export class Provisioned extends ApiObject {
  private readonly id: string;

  constructor(scope: Construct, { provisioner, type, name, inputs, ...props }: ProvisionedProps) {
    const kind = type.slice(type.indexOf(':') + 1);
    super(scope, `${kind}-${name}`, {
      apiVersion: `${group}/${provisioner.package}`,
      kind,
      metadata: { name, namespace: provisioner.namespace, ...(props.stateful ? { annotations: stateful } : {}) },
      type,
      spec: inputs,
    });
    this.id = `${provisioner.namespace}/${kind.toLowerCase()}/${name}`;
    this.node.addDependency(provisioner);
  }

  /** An output property of the resource, as a token for inputs of others: `id`, for example. */
  output(property: string): string {
    return `\${output:${this.id}#${property}}`;
  }
}
