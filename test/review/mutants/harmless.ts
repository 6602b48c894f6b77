import { parse, stringify } from 'yaml';
import { containers, each, json, kind, pods, provisioned, type Operator } from './operator';

const every: Operator['at'] = () => [[]];
const flip = (list: any[]) => list.reverse();
const several = (list: any) => Array.isArray(list) && list.length > 1;
const rewrite = (object: any, other: any) => { Object.keys(object).forEach((key) => delete object[key]); Object.assign(object, other); };

function otherOrder(value: any): any {
  if (Array.isArray(value)) return value.map(otherOrder);
  return value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).reverse().map(([key, member]) => [key, otherOrder(member)])) : value;
}

/** `2` is 2000m, `4Gi` is 4096Mi. */
function otherUnit(amount: string): string {
  const [, number, unit] = /^(\d+)(.*)$/.exec(amount)!;
  return { '': `${number}000m`, m: `0.${number!.padStart(3, '0')}`, Mi: `${+number! * 1024}Ki`, Gi: `${+number! * 1024}Mi`, Ti: `${+number! * 1024}Gi` }[unit!]!;
}
const otherUnits = (amounts: any) => { for (const key of Object.keys(amounts)) if (/^\d+(|m|Mi|Gi|Ti)$/.test(amounts[key]) && !/pods|gpu|services/.test(key) && !(+amounts[key].replace(/m$/, '') >= 1000 && /m$/.test(amounts[key]))) amounts[key] = otherUnit(amounts[key]); };
const set = (change: object) => (target: any) => { Object.assign(target, change); };
const listed = (kinds: string, ...path: (string | number)[]) => kind(kinds, path, several);
const policyText = (change: (statements: any[]) => void) => (spec: any) => json(spec, 'policy', ({ Statement }) => change(Statement));

/** What changes nothing that matters: no finding, and no change of class security. */
export const harmless: readonly Omit<Operator, 'diff'>[] = [
  { id: 'keys in another order', at: every, act: (object) => rewrite(object, otherOrder(object)) },
  { id: 'a round trip by YAML', at: every, act: (object) => rewrite(object, parse(stringify(otherOrder(object)))) },
  { id: 'a label that nothing selects', at: every, act: ({ metadata }) => { metadata.labels = { ...metadata.labels, team: 'statistics' }; } },
  { id: 'a label of a version', at: kind('Deployment StatefulSet Service ConfigMap ServiceAccount ClusterRole', ['metadata', 'labels']), act: set({ 'app.kubernetes.io/version': '1.2.3' }) },
  { id: 'a label of a namespace that nothing selects', at: kind('Namespace', ['metadata', 'labels']), act: set({ team: 'statistics' }) },
  { id: 'an annotation that nobody reads', at: every, act: ({ metadata }) => { metadata.annotations = { ...metadata.annotations, 'example.org/note': 'see the minutes' }; } },
  { id: 'a label of pods that nothing selects', at: kind('Deployment StatefulSet DaemonSet', ['spec', 'template', 'metadata', 'labels']), act: set({ team: 'statistics' }) },
  { id: 'what the API server writes', at: every, act: (object) => { object.metadata.creationTimestamp = null; object.status = {}; } },
  { id: 'another description of a priority', at: kind('PriorityClass'), act: set({ description: 'other words' }) },
  { id: 'another message of a refusal', at: each(kind('ValidatingAdmissionPolicy', ['spec', 'validations'])), act: set({ message: 'other words' }) },
  { id: 'another name of a realm that is shown', at: provisioned('keycloak', 'Realm'), act: set({ displayName: 'other words' }) },
  { id: 'another name of a client that is shown', at: provisioned('keycloak', 'Client'), act: set({ description: 'other words' }) },
  { id: 'a comment in a configuration', at: kind('ConfigMap', ['data'], (found) => found['vault.hcl']), act: (found) => { found['vault.hcl'] = `# other words\n${found['vault.hcl']}`; } },
  { id: 'JSON of a ConfigMap with line breaks', at: kind('ConfigMap', ['data'], (found) => /^[[{]/.test(Object.values<string>(found)[0]!)), act: (found) => { const [key, text] = Object.entries<string>(found)[0]!; found[key] = JSON.stringify(JSON.parse(text), undefined, 2); } },
  { id: 'rules of a policy in another order', at: listed('NetworkPolicy', 'spec', 'ingress'), act: flip },
  { id: 'rules of what leaves in another order', at: listed('NetworkPolicy', 'spec', 'egress'), act: flip },
  { id: 'ports of a rule in another order', at: each(kind('NetworkPolicy', ['spec', 'egress']), ({ ports }) => several(ports)), act: ({ ports }) => flip(ports) },
  { id: 'peers of a rule in another order', at: each(kind('NetworkPolicy', ['spec', 'egress']), ({ to }) => several(to)), act: ({ to }) => flip(to) },
  { id: 'a rule twice', at: listed('NetworkPolicy', 'spec', 'egress'), act: (rules) => rules.push(structuredClone(rules[0])) },
  { id: 'a rule as one for each port', at: kind('NetworkPolicy', ['spec'], ({ egress }) => egress?.some(({ ports }: any) => several(ports))), act: (spec) => { spec.egress = spec.egress.flatMap((rule: any) => (rule.ports ?? [undefined]).map((port: any) => ({ ...rule, ...(port ? { ports: [port] } : {}) }))); } },
  { id: 'the protocol that is the default', at: kind('NetworkPolicy', ['spec', 'egress'], (rules) => JSON.stringify(rules).includes('"TCP"')), act: (rules) => rules.forEach(({ ports }: any) => ports?.forEach((port: any) => { if (port.protocol === 'TCP') delete port.protocol; })) },
  { id: 'kinds of policy in another order', at: listed('NetworkPolicy', 'spec', 'policyTypes'), act: flip },
  { id: 'a selector by expression', at: each(kind('NetworkPolicy', ['spec', 'ingress']), ({ from }) => from?.[0]?.namespaceSelector?.matchLabels), act: ({ from }) => { const [key, value] = Object.entries(from[0].namespaceSelector.matchLabels)[0]!; from[0].namespaceSelector = { matchExpressions: [{ key, operator: 'In', values: [value] }] }; } },
  { id: 'rules of a role in another order', at: listed('ClusterRole', 'rules'), act: flip },
  { id: 'verbs in another order', at: each(kind('ClusterRole', ['rules']), ({ verbs }) => several(verbs)), act: ({ verbs }) => flip(verbs) },
  { id: 'a rule for each verb', at: kind('ClusterRole', [], ({ rules }) => rules.some(({ verbs }: any) => several(verbs))), act: (role) => { role.rules = role.rules.flatMap((rule: any) => rule.verbs.map((verb: string) => ({ ...rule, verbs: [verb] }))); } },
  { id: 'a verb twice', at: each(kind('ClusterRole', ['rules'])), act: ({ verbs }) => verbs.push(verbs[0]) },
  { id: 'the API group of a service account', at: each(kind('ClusterRoleBinding RoleBinding', ['subjects']), (subject) => subject.kind === 'ServiceAccount'), act: set({ apiGroup: '' }) },
  { id: 'variables in another order', at: containers(({ env }) => several(env)), act: ({ env }) => flip(env) },
  { id: 'volumes in another order', at: pods(({ volumes }) => several(volumes)), act: ({ volumes }) => flip(volumes) },
  { id: 'mounts in another order', at: containers(({ volumeMounts }) => several(volumeMounts)), act: ({ volumeMounts }) => flip(volumeMounts) },
  { id: 'a ConfigMap that is mounted without the word read-only', at: containers(({ volumeMounts }) => volumeMounts?.some((mount: any) => mount.readOnly)), act: ({ volumeMounts }) => { delete volumeMounts.find((mount: any) => mount.readOnly).readOnly; } },
  { id: 'ports of a container in another order', at: containers(({ ports }) => several(ports)), act: ({ ports }) => flip(ports) },
  { id: 'ports of a service in another order', at: listed('Service', 'spec', 'ports'), act: flip },
  { id: 'listeners in another order', at: listed('Gateway', 'spec', 'listeners'), act: flip },
  { id: 'resources of a policy in another order', at: each(kind('ValidatingAdmissionPolicy', ['spec', 'matchConstraints', 'resourceRules']), ({ operations }) => several(operations)), act: ({ operations }) => flip(operations) },
  { id: 'requests in other units', at: containers(({ resources }) => resources?.requests), act: ({ resources }) => { otherUnits(resources.requests); otherUnits(resources.limits); } },
  { id: 'a quota in other units', at: kind('ResourceQuota', ['spec', 'hard'], (hard) => hard['requests.memory']), act: otherUnits },
  { id: 'a limit in other units', at: each(kind('LimitRange', ['spec', 'limits'])), act: (limit) => otherUnits(limit.default) },
  { id: 'storage in other units', at: each(kind('StatefulSet', ['spec', 'volumeClaimTemplates'])), act: ({ spec }) => otherUnits(spec.resources.requests) },
  { id: 'defaults of a pod', at: pods(), act: (spec) => { spec.restartPolicy ??= 'Always'; Object.assign(spec, { dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler', terminationGracePeriodSeconds: 30, hostNetwork: false, hostPID: false, hostIPC: false, shareProcessNamespace: false }); } },
  { id: 'defaults of a container', at: containers(), act: set({ imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', stdin: false, tty: false }) },
  { id: 'defaults of a security context', at: containers(({ securityContext }) => securityContext && !securityContext.privileged), act: ({ securityContext }) => { securityContext.privileged = false; securityContext.procMount = 'Default'; } },
  { id: 'defaults of a probe', at: containers(({ readinessProbe }) => readinessProbe?.httpGet), act: ({ readinessProbe }) => { readinessProbe.successThreshold = 1; readinessProbe.httpGet.scheme = 'HTTP'; } },
  { id: 'what the pod says, in the container too', at: containers(({ securityContext }, { metadata }) => securityContext && metadata.namespace !== 'gpu'), act: ({ securityContext }) => { securityContext.runAsNonRoot = true; securityContext.seccompProfile = { type: 'RuntimeDefault' }; } },
  { id: 'defaults of a deployment', at: kind('Deployment', ['spec']), act: set({ revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } } }) },
  { id: 'defaults of a stateful set', at: kind('StatefulSet', ['spec']), act: set({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' }, revisionHistoryLimit: 10 }) },
  { id: 'defaults of a service', at: kind('Service', ['spec']), act: (spec) => { Object.assign(spec, { sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' }); spec.ports.forEach((port: any) => { port.protocol = 'TCP'; }); } },
  { id: 'defaults of an admission policy', at: kind('ValidatingAdmissionPolicy', ['spec', 'matchConstraints']), act: set({ matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} }) },
  { id: 'defaults of a route', at: kind('HTTPRoute', ['spec', 'rules', 0, 'backendRefs', 0]), act: set({ group: '', kind: 'Service', weight: 1 }) },
  { id: 'the version of Pod Security that is the default', at: kind('Namespace', ['metadata', 'labels']), act: set({ 'pod-security.kubernetes.io/enforce-version': 'latest' }) },
  { id: 'a bucket policy with line breaks', at: provisioned('minio', 'IamPolicy'), act: (spec) => { spec.policy = JSON.stringify(JSON.parse(spec.policy), undefined, 2); } },
  { id: 'statements in another order', at: provisioned('minio', 'IamPolicy', ['spec'], ({ policy }) => several(JSON.parse(policy).Statement)), act: policyText(flip) },
  { id: 'actions in another order', at: provisioned('minio', 'IamPolicy', ['spec']), act: policyText((list) => list.forEach(({ Action }) => flip(Action))) },
  { id: 'statements with a name', at: provisioned('minio', 'IamPolicy'), act: policyText((list) => list.forEach((one, index) => { one.Sid = `S${index}`; })) },
  { id: 'a statement for each action', at: provisioned('minio', 'IamPolicy'), act: policyText((list) => list.splice(0, list.length, ...list.flatMap((one) => one.Action.map((Action: string) => ({ ...one, Action }))))) },
  { id: 'a comment in a policy of Vault', at: provisioned('vault', 'Policy'), act: (spec) => { spec.policy = `# other words\n${spec.policy}`; } },
  { id: 'capabilities in another order', at: provisioned('vault', 'Policy'), act: (spec) => { spec.policy = spec.policy.replace(/\[([^\]]*)\]/g, (_all: string, list: string) => `[${list.split(', ').reverse().join(',')}]`); } },
  { id: 'paths in another order', at: provisioned('vault', 'Policy'), act: (spec) => { spec.policy = spec.policy.trim().split(/\n\n/).reverse().join('\n\n'); } },
  { id: 'attributes of a profile in another order', at: provisioned('keycloak', 'RealmUserProfile', ['spec', 'attributes']), act: flip },
  { id: 'a duration in other units', at: provisioned('keycloak', 'Realm'), act: set({ accessTokenLifespan: '300s' }) },
  { id: 'members of a group in another order', at: provisioned('keycloak', 'GroupMemberships', ['spec', 'members'], several), act: flip },
];
