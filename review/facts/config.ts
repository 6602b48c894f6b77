import { idOf } from '../../constructs/objects';
import { parse } from 'yaml';
import type { Manifest } from '../../policies/rule';
import { isProvisioned } from '../../policies/tree';
import { isMap, leavesOf, withoutComments } from '../canonical';
import { hidden, isSecret, list, nameOf, settingsOf, type Fact } from './fact';
import { itemsOf } from './kept';

/** What servers read: files of ConfigMaps, values of Secrets, annotations that controllers act on, service accounts. */
export function configFacts(objects: readonly Manifest[]): Fact[] {
  return objects.filter((object) => !isProvisioned(object)).flatMap((object) => [...markFacts(object), ...(configOf[object.kind]?.(object) ?? [])]);
}

const configOf: Record<string, (object: Manifest) => Fact[]> = {
  ConfigMap: (object) => Object.entries({ ...object.data, ...object.binaryData } as Record<string, string>).flatMap(([file, text]) => fileFacts(object, file, text)),
  Secret: (object) => [
    ...(object.type === 'kubernetes.io/service-account-token' ? [{ topic: 'secrets', sense: 'permits', text: `secret ${nameOf(object)} is a token without end of ${object.metadata.annotations?.['kubernetes.io/service-account.name']}`, subjects: [nameOf(object)], object: idOf(object) } as const] : []),
    ...Object.entries({ ...object.data, ...object.stringData } as Record<string, string>).map(([key, value]): Fact => ({ topic: 'secrets', sense: 'sets', text: `secret ${nameOf(object)}: ${key}`, value: hidden(value), subjects: [nameOf(object)], within: idOf(object), object: idOf(object) })),
    ...settingsOf(object, { topic: 'secrets', subject: `secret ${nameOf(object)}`, value: { type: object.type }, known: /^$/, within: idOf(object) }),
  ],
  ServiceAccount: (object) => [
    ...(object.automountServiceAccountToken === false ? [] : [{ topic: 'pods', sense: 'permits', text: `service account ${nameOf(object)} gives its pods a token of the API server`, subjects: [nameOf(object)], object: idOf(object) } as const]),
    ...list(object.secrets).map(({ name }): Fact => ({ topic: 'secrets', sense: 'permits', text: `service account ${nameOf(object)} has the secret ${name}`, subjects: [nameOf(object)], object: idOf(object) })),
    ...list(object.imagePullSecrets).map(({ name }): Fact => ({ topic: 'secrets', sense: 'permits', text: `pods of ${nameOf(object)} pull images with ${name}`, subjects: [nameOf(object)], object: idOf(object) })),
  ],
};

/** Pictures, styles and texts for people. */
const appearance = /\.(svg|png|ico|jpe?g|css|properties|md|txt|woff2?)$/;

/** Fields of a document that say how something is called or looks. */
const words = /(^|\.|\])(title|description|highlightedCharts|render|slider(Unit|Step|Extremity|ExtremitySemantic|RangeId)|maintainer|icon|tagline|label|\$comment)(\.|$)/;

function fileFacts(object: Manifest, file: string, text: string): Fact[] {
  if (appearance.test(file)) return [];
  const subject = `${nameOf(object)}/${file}`;
  const items = itemsOf(text);
  if (items) return items.map(({ kind, metadata }): Fact => ({ topic: 'guard', sense: 'guards', text: `${subject} keeps the ${kind} ${metadata.name}`, subjects: [subject], within: idOf(object), object: idOf(object) }));
  const make = (path: string, value: string): Fact => ({
    topic: 'config', sense: 'sets', text: path ? `${subject}: ${path}` : subject, value: isSecret(path) ? hidden(value) : value, subjects: [nameOf(object)], within: idOf(object), object: idOf(object),
  });
  const document = documentIn(file, text);
  if (document === undefined) return [make('', withoutComments(String(text)))];
  return leavesOf(document, '', (path, parent) => words.test(path) || (path.endsWith('.name') && isMap(parent) && (isMap(parent.name) || 'id' in parent))).map(([path, value]) => make(path, value));
}

/** What a file says, when it is JSON, or YAML by its name. */
function documentIn(file: string, text: string): object | undefined {
  try {
    const found: unknown = /^\s*[[{]/.test(text) ? JSON.parse(text) : /\.ya?ml$/.test(file) ? parse(text) : undefined;
    return typeof found === 'object' && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Annotations and labels that controllers act on. */
const acted = /(ingress|haproxy|traefik|nginx|gateway|cert-manager|external-dns|metallb|istio|linkerd|cilium|calico|apparmor|seccomp|amazonaws|azure|gke|iam|vault\.hashicorp|cni\.cncf|node-selector|defaultTolerations|pod-security\.kubernetes\.io\/exempt|service\.(beta\.)?kubernetes\.io|inject)/;
const none = /^(app\.kubernetes\.io|datalab-stacks|pulumi\.com)\//;

function markFacts(object: Manifest): Fact[] {
  const template = object.spec?.template?.metadata ?? object.spec?.jobTemplate?.spec?.template?.metadata ?? {};
  const marks = { ...object.metadata.annotations, ...object.metadata.labels, ...template.annotations, ...template.labels } as Record<string, string>;
  return Object.entries(marks).filter(([key]) => acted.test(key) && !none.test(key)).map(([key, value]): Fact => ({
    topic: 'config', sense: 'sets', text: `${object.kind} ${nameOf(object)} is marked ${key}`, value: String(value), subjects: [nameOf(object)], object: idOf(object),
  }));
}
