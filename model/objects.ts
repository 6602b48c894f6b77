/** A Kubernetes object, or a thing provisioned on a server, as it is rendered and as it is deployed; derived secrets are tokens in it. */
export interface PlatformObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** `<namespace or _cluster>/<kind>/<name>`, lower case. */
export function idOf({ kind, metadata }: PlatformObject): string {
  return `${metadata.namespace ?? '_cluster'}/${kind.toLowerCase()}/${metadata.name}`;
}

/** API group of what lives on a server of the platform instead of the API server: `provisioned/<Pulumi package>`. */
export const provisionedGroup = 'provisioned';

/** The Pulumi package of a provisioned object; undefined for a Kubernetes object. */
export function packageOf({ apiVersion }: { readonly apiVersion: string }): string | undefined {
  return apiVersion.startsWith(`${provisionedGroup}/`) ? apiVersion.slice(provisionedGroup.length + 1) : undefined;
}

/** Label of each object: the stack it belongs to. */
export const stackLabel = 'datalab-stacks/stack';

/** Annotation of what holds data: Pulumi protects and retains it. */
export const statefulAnnotation = 'datalab-stacks/stateful';
