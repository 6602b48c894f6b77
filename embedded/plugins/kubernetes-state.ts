import type { KubeObject } from '../kube';
import { mapValues, UNKNOWN, withoutNulls, isObject, type Path, type Properties, type Values } from './provider-values';

/** Where kubectl keeps a copy of what it applied, values of Secrets included. */
const lastApplied: Path = ['metadata', 'annotations', 'kubectl.kubernetes.io/last-applied-configuration'];

const secretFields: readonly Path[] = [['data'], ['stringData']];

/** The inputs with everything marked as secret that the kind makes secret. */
export function withKindSecrets(inputs: Properties): Properties {
  if (!isSecretKind(inputs.values)) return inputs;
  const fields = secretFields.filter(([field]) => inputs.values[field!] !== undefined);
  const others = inputs.secrets.filter(([first]) => first !== 'data' && first !== 'stringData');
  return { values: inputs.values, secrets: [...fields, ...others] };
}

/**
 * What is sent to the API server. A Secret's `stringData` goes as `data`: the server keeps no account of who owns a
 * field of `stringData`, so a key that is removed from it would stay in the Secret.
 */
export function toObject(inputs: Values): KubeObject {
  const { stringData, ...object } = withoutNulls(inputs) as KubeObject;
  if (!isSecretKind(object) || !stringData) return withoutNulls(inputs);
  return {
    ...object,
    data: { ...object.data, ...mapValues(stringData, (text) => Buffer.from(String(text)).toString('base64')) },
  };
}

/** The other way round: the inputs that would give `object`, which differs from `toObject(inputs)` in some values. */
export function toInputs(object: Values, inputs: Values): Values {
  if (!isSecretKind(object) || !inputs.stringData) return object;
  const { data = {}, ...rest } = object;
  const pick = (keys: Values, change: (value: string) => string) =>
    Object.fromEntries(
      Object.keys(keys)
        .filter((key) => key in data)
        .map((key) => [key, change(data[key])]),
    );
  return {
    ...rest,
    ...(inputs.data ? { data: pick(inputs.data, (value) => value) } : {}),
    stringData: pick(inputs.stringData, (value) => Buffer.from(value, 'base64').toString('utf8')),
  };
}

/** The state of a resource, as the official plugin writes it. */
export function stateOf(inputs: Properties, live: KubeObject, fieldManager: string): Properties {
  const { managedFields: _, ...metadata } = live.metadata;
  const spelled = live.kind === 'CustomResourceDefinition' ? underscored : (value: Values) => value;
  return {
    values: {
      ...spelled({ ...live, metadata }),
      __inputs: spelled(inputs.values),
      __initialApiVersion: live.apiVersion,
      __fieldManager: fieldManager,
    },
    secrets: [...secretsOfLive(inputs), ...inputs.secrets.map((path) => ['__inputs', ...path])],
  };
}

/** The outputs of a preview: what the server will set is unknown, unless it is known from the object as it is now. */
export function previewOf(inputs: Properties, object: Values, now?: Values): Properties {
  const { status: _, ...rest } = object;
  const { managedFields: __, ...metadata } = object.metadata ?? {};
  // A dry run allocates an address that the Service itself will not get.
  const { clusterIP = UNKNOWN, clusterIPs = UNKNOWN } = inputs.values.spec ?? {};
  const allocated = object.kind === 'Service' && !now ? { clusterIP, clusterIPs } : {};
  return {
    values: {
      ...rest,
      metadata: {
        ...metadata,
        uid: now?.metadata?.uid ?? UNKNOWN,
        creationTimestamp: now?.metadata?.creationTimestamp ?? UNKNOWN,
        resourceVersion: UNKNOWN,
        generation: UNKNOWN,
      },
      ...(isObject(object.spec) ? { spec: { ...object.spec, ...allocated } } : {}),
    },
    secrets: secretsOfLive(inputs),
  };
}

/** A list may be in another order on the server, so a list with a secret in it is secret as a whole. */
function secretsOfLive(inputs: Properties): Path[] {
  const paths = inputs.secrets.map((path) => {
    const list = path.findIndex((step) => typeof step === 'number');
    return list === -1 ? path : path.slice(0, list);
  });
  if (isSecretKind(inputs.values)) paths.push(...secretFields);
  return paths.length ? [...paths, lastApplied] : [];
}

function isSecretKind(object: Values): boolean {
  return object.kind === 'Secret' && object.apiVersion === 'v1';
}

/** Pulumi's SDKs cannot name a property `x-kubernetes-…`. */
function underscored(value: any): any {
  if (Array.isArray(value)) return value.map(underscored);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.startsWith('x-kubernetes-') ? key.replaceAll('-', '_') : key,
      underscored(item),
    ]),
  );
}
