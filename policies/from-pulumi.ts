import { provisionedGroup, stackLabel, statefulAnnotation } from '../model/objects';
import type { Manifest } from './rule';

/** What Pulumi's engine shows of a resource. Reading a property that is not known yet throws. */
export interface PulumiResource {
  /** `kubernetes:apps/v1:Deployment`, `minio:index/s3Bucket:S3Bucket`. */
  readonly type: string;
  readonly name: string;
  readonly props: Readonly<Record<string, any>>;
  readonly opts: { readonly protect: boolean; readonly additionalSecretOutputs: readonly string[] };
  /** By property, the resources whose outputs it is made of. @default the engine does not tell */
  readonly propertyDependencies?: Readonly<Record<string, readonly { readonly name: string }[]>>;
}

/**
 * The object as it is rendered, of which a resource was made; undefined for what is none, a component for example. What only
 * Pulumi knows takes the place of what only the render knows: the stack for the label of provisioned objects, protection for
 * the mark of what holds data, and for values that Pulumi keeps secret a token.
 */
export function objectOf(resource: PulumiResource, stack: string): Manifest | undefined {
  const [of, module, kind] = resource.type.split(':') as [string, string, string];
  if (of === 'kubernetes' && resource.props.metadata) return kubernetesObject(resource, module === 'core/v1' ? 'v1' : module, kind);
  if (of === 'pulumi' && module === 'providers' && provisioners.includes(kind)) return provisioned(resource, kind, 'Provider', stack);
  return provisioners.includes(of) ? provisioned(resource, of, kind, stack) : undefined;
}

const provisioners = ['keycloak', 'minio', 'vault'];

function kubernetesObject({ name, props, opts }: PulumiResource, apiVersion: string, kind: string): Manifest {
  const { metadata, stringData } = props;
  const annotations = changed(metadata.annotations ?? {}, { [statefulAnnotation]: opts.protect ? 'true' : undefined });
  const secret = (field: string) => kind === 'Secret' && opts.additionalSecretOutputs.includes(field);
  return changed(props, {
    apiVersion,
    kind,
    metadata: changed(metadata, { name: metadata.name ?? name, annotations }),
    ...(secret('data') ? { data: undefined } : {}),
    ...(secret('stringData') && stringData ? { stringData: Object.fromEntries(Object.keys(stringData).map((key) => [key, `\${secret:${name}/${key}}`])) } : {}),
  }) as Manifest;
}

/** Its name is `<namespace>/<kind>/<name>`, as provision/ registers it. */
function provisioned({ type, name, props, opts, propertyDependencies = {} }: PulumiResource, of: string, kind: string, stack: string): Manifest {
  const [namespace, , ...rest] = name.split('/');
  const tokens = Object.entries(propertyDependencies).flatMap(([key, on]) => (on.length === 1 ? [[key, () => known(props, key) ?? `\${output:${on[0]!.name}#id}`] as const] : []));
  return {
    apiVersion: `${provisionedGroup}/${of}`,
    kind,
    metadata: {
      ...(rest.length ? { name: rest.join('/'), namespace } : { name }),
      labels: { [stackLabel]: stack },
      ...(opts.protect ? { annotations: { [statefulAnnotation]: 'true' } } : {}),
    },
    type: type.slice(of.length + 1),
    spec: Object.defineProperties(changed(props, {}), Object.fromEntries(tokens.map(([key, get]) => [key, { get, enumerable: true }]))),
  };
}

/** The property, or nothing when it is not known yet. */
function known(props: PulumiResource['props'], key: string): unknown {
  try {
    return props[key];
  } catch {
    return undefined;
  }
}

/** A copy in which each property is read no earlier than somebody asks for it, with some of them changed. */
function changed(from: object, change: object): object {
  const lazy = Object.fromEntries(Object.keys(from).map((key) => [key, { get: () => (from as Record<string, unknown>)[key], enumerable: true, configurable: true }]));
  return Object.defineProperties({}, { ...lazy, ...Object.getOwnPropertyDescriptors(change) });
}
