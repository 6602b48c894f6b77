import { each, kind, type Operator } from './operator';

const label = 'pod-security.kubernetes.io/enforce';
const labels = kind('Namespace', ['metadata', 'labels'], (found) => found[label] !== 'privileged');
const owned = kind('Namespace', ['metadata', 'labels'], (found) => found.onyxia_owner);
const hard = (key: string) => kind('ResourceQuota', ['spec', 'hard'], (found) => found[key] !== undefined);
const quotas = kind('ResourceQuota', ['spec']);

/** What a namespace enforces, and how much it may take. */
export const namespaces: readonly Operator[] = [
  { id: 'Pod Security off', rule: 'pod-security-level', diff: 'security widens pods', critical: true, at: labels, act: (found) => { found[label] = 'privileged'; } },
  { id: 'Pod Security unsaid', rule: 'pod-security-level', diff: 'security widens pods', critical: true, at: labels, act: (found) => { delete found[label]; } },
  { id: 'Pod Security one step down', rule: 'pod-security-level', diff: 'security widens pods', at: kind('Namespace', ['metadata', 'labels'], (found) => found[label] === 'restricted'), act: (found) => { found[label] = 'baseline'; } },
  { id: 'Pod Security of an old version', diff: 'security widens pods', at: labels, act: (found) => { found[`${label}-version`] = 'v1.20'; } },
  { id: 'nobody is warned', diff: 'security widens guard', at: labels, act: (found) => { delete found['pod-security.kubernetes.io/warn']; } },
  { id: 'a namespace that no guard selects', diff: 'security widens', critical: true, at: owned, act: (found) => { delete found.onyxia_owner; } },
  { id: 'a namespace of another owner', diff: 'security widens', at: owned, act: (found) => { found.onyxia_owner = 'mallory'; } },
  { id: 'no quota', rule: 'namespace-quota', diff: 'security widens limit', at: kind('ResourceQuota', ['spec'], ({ hard: found }) => found['count/pods']), act: (_spec, { drop }) => drop() },
  { id: 'no quota of load balancers', diff: 'security widens limit', at: hard('services.loadbalancers'), act: (found) => { delete found['services.loadbalancers']; } },
  { id: 'load balancers allowed', diff: 'security widens limit', at: hard('services.loadbalancers'), act: (found) => { found['services.loadbalancers'] = '2'; } },
  { id: 'no quota of pods', rule: 'namespace-quota', diff: 'security widens limit', at: hard('count/pods'), act: (found) => { delete found['count/pods']; } },
  { id: 'no quota of GPUs', rule: 'namespace-quota', diff: 'security widens limit', at: hard('requests.nvidia.com/gpu'), act: (found) => { delete found['requests.nvidia.com/gpu']; } },
  { id: 'no quota of CPU', rule: 'namespace-quota', diff: 'security widens limit', at: hard('requests.cpu'), act: (found) => { delete found['requests.cpu']; } },
  { id: 'ten times the CPU', diff: 'security widens limit', at: hard('requests.cpu'), act: (found) => { found['requests.cpu'] = '640'; } },
  { id: 'more memory, in other units', diff: 'security widens limit', at: hard('requests.memory'), act: (found) => { found['requests.memory'] = '1Ti'; } },
  { id: 'GPUs allowed', diff: 'security widens limit', at: hard('requests.nvidia.com/gpu'), act: (found) => { found['requests.nvidia.com/gpu'] = '16'; } },
  { id: 'a quota for some pods only', diff: 'security widens limit', at: quotas, act: (spec) => { spec.scopes = ['BestEffort']; } },
  { id: 'a quota for one priority only', diff: 'security widens limit', at: quotas, act: (spec) => { spec.scopeSelector = { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['nobody'] }] }; } },
  { id: 'no defaults of containers', rule: 'namespace-quota', diff: 'security widens', at: kind('LimitRange', ['spec']), act: (_spec, { drop }) => drop() },
  { id: 'a default of more memory', diff: 'security widens limit', at: each(kind('LimitRange', ['spec', 'limits'])), act: (limit) => { limit.default.memory = '64Gi'; } },
  { id: 'a limit per container that was not there', diff: 'security narrows limit', at: each(kind('LimitRange', ['spec', 'limits'])), act: (limit) => { limit.max = { memory: '4Gi' }; } },
  { id: 'a namespace with nothing in it', rule: 'pod-security-level', diff: 'security widens', critical: true, at: kind('RuntimeClass'), act: (_object, { add }) => add({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shadow' } }) },
  { id: 'a namespace of a person without a fence', rule: 'default-deny', diff: 'security widens', at: kind('RuntimeClass'), act: (_object, { add }) => add({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'user-mallory', labels: { onyxia_owner: 'mallory', [label]: 'restricted' } } }) },
  { id: 'a smaller quota', diff: 'security narrows limit', at: hard('requests.memory'), act: (found) => { found['requests.memory'] = '1Mi'; } },
];

const policies = kind('ValidatingAdmissionPolicy', ['spec']);
const bindings = kind('ValidatingAdmissionPolicyBinding', ['spec']);
const constraints = each(kind('ValidatingAdmissionPolicy', ['spec', 'matchConstraints', 'resourceRules']));
const person = "request.userInfo.username != 'mallory'";

/** What the API server refuses. */
export const admission: readonly Operator[] = [
  { id: 'a policy that lets pass what it cannot judge', rule: 'admission-fails-closed', diff: 'security widens guard', critical: true, at: policies, act: (spec) => { spec.failurePolicy = 'Ignore'; } },
  { id: 'a policy that audits', rule: 'admission-fails-closed', diff: 'security widens guard', critical: true, at: bindings, act: (spec) => { spec.validationActions = ['Audit']; } },
  { id: 'a policy that warns and audits', rule: 'admission-fails-closed', diff: 'security widens guard', critical: true, at: bindings, act: (spec) => { spec.validationActions = ['Warn', 'Audit']; } },
  { id: 'no binding', diff: 'security widens guard', critical: true, at: bindings, act: (_spec, { drop }) => drop() },
  { id: 'no policy', diff: 'security widens guard', critical: true, at: policies, act: (_spec, { drop }) => drop() },
  { id: 'a check that is always true', diff: 'security widens guard', at: each(kind('ValidatingAdmissionPolicy', ['spec', 'validations'])), act: (validation) => { validation.expression = 'true'; } },
  { id: 'a check with a way round', diff: 'security widens guard', at: each(kind('ValidatingAdmissionPolicy', ['spec', 'validations'])), act: (validation) => { validation.expression = `(${validation.expression}) || !(${person})`; } },
  { id: 'a check that goes', diff: 'security widens guard', at: kind('ValidatingAdmissionPolicy', ['spec', 'validations']), act: (validations) => validations.pop() },
  { id: 'one person is let through', diff: 'security widens guard', at: policies, act: (spec) => { spec.matchConditions = [...(spec.matchConditions ?? []), { name: 'not-mallory', expression: person }]; } },
  { id: 'creations are not asked about', diff: 'security widens guard', at: each(kind('ValidatingAdmissionPolicy', ['spec', 'matchConstraints', 'resourceRules']), (rule) => rule.operations.length > 1), act: (rule) => rule.operations.shift() },
  { id: 'another resource', diff: 'security widens guard', at: constraints, act: (rule) => { rule.resources = ['leases']; } },
  { id: 'another API group', diff: 'security widens guard', at: constraints, act: (rule) => { rule.apiGroups = ['example.org']; } },
  { id: 'a version that nobody serves', diff: 'security widens guard', at: constraints, act: (rule) => { rule.apiVersions = ['v0']; } },
  { id: 'objects of the cluster only', diff: 'security widens guard', at: each(kind('ValidatingAdmissionPolicy', ['spec', 'matchConstraints', 'resourceRules']), (rule) => rule.scope === 'Namespaced'), act: (rule) => { rule.scope = 'Cluster'; } },
  { id: 'objects with a label only', diff: 'security widens guard', at: kind('ValidatingAdmissionPolicy', ['spec', 'matchConstraints']), act: (constraint) => { constraint.objectSelector = { matchLabels: { guarded: 'yes' } }; } },
  { id: 'resources left out', diff: 'security widens guard', at: kind('ValidatingAdmissionPolicy', ['spec', 'matchConstraints']), act: (constraint) => { constraint.excludeResourceRules = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }]; } },
  { id: 'fewer namespaces', diff: 'security widens guard', at: kind('ValidatingAdmissionPolicyBinding', ['spec', 'matchResources', 'namespaceSelector']), act: (selector) => { selector.matchExpressions = [...(selector.matchExpressions ?? []), { key: 'onyxia_owner', operator: 'NotIn', values: ['mallory'] }]; } },
  { id: 'a binding of another policy', diff: 'security widens guard', at: bindings, act: (spec) => { spec.policyName = 'other'; } },
  { id: 'a variable that is empty', diff: 'security widens guard', at: each(kind('ValidatingAdmissionPolicy', ['spec', 'variables'])), act: (variable) => { variable.expression = '[]'; } },
  { id: 'another mutation', diff: 'security widens', at: each(kind('MutatingAdmissionPolicy', ['spec', 'mutations'])), act: ({ jsonPatch }) => { jsonPatch.expression = jsonPatch.expression.replace('"onyxia-api"', '"mallory"'); } },
  {
    id: 'a webhook that rewrites', diff: 'security widens', at: kind('PriorityClass', [], ({ metadata }) => metadata.name === 'datalab-platform'),
    act: (_object, { add }) => add({
      apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name: 'helper' },
      webhooks: [{ name: 'helper.mallory.example', clientConfig: { url: 'https://mallory.example/' }, rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }], admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Ignore' }],
    }),
  },
  {
    id: 'an API of somebody else', diff: 'security widens', at: kind('PriorityClass', [], ({ metadata }) => metadata.name === 'datalab-platform'),
    act: (_object, { add }) => add({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.mallory.example' }, spec: { group: 'mallory.example', version: 'v1', insecureSkipTLSVerify: true, service: { name: 'x', namespace: 'default' }, groupPriorityMinimum: 1, versionPriority: 1 } }),
  },
  {
    id: 'an object of a kind that nobody knows', diff: 'security widens', at: kind('PriorityClass', [], ({ metadata }) => metadata.name === 'datalab-platform'),
    act: (_object, { add }) => add({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'helper', namespace: 'argocd' }, spec: { project: 'default', source: { repoURL: 'https://mallory.example/x.git' } } }),
  },
  { id: 'parameters of somebody', diff: 'security widens guard', at: bindings, act: (spec) => { spec.paramRef = { name: 'x', namespace: 'default', parameterNotFoundAction: 'Allow' }; } },
  { id: 'no equivalent kinds', diff: 'security widens guard', at: kind('ValidatingAdmissionPolicy', ['spec', 'matchConstraints']), act: (constraint) => { constraint.matchPolicy = 'Exact'; } },
  { id: 'a mutation that may fail', rule: 'admission-fails-closed', diff: 'security widens', at: kind('MutatingAdmissionPolicy', ['spec']), act: (spec) => { spec.failurePolicy = 'Ignore'; } },
  { id: 'resources left out by the binding', diff: 'security widens guard', at: kind('ValidatingAdmissionPolicyBinding', ['spec', 'matchResources']), act: (match) => { match.excludeResourceRules = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['pods'] }]; } },
];
