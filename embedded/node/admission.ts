import type { KubeObject } from '../kube';
import { launchers } from '../launchers/all';
import { processNode } from './this-computer';

const group = 'admissionregistration.k8s.io/v1';
const metadata = { name: 'datalab-stacks-process-node' };

/**
 * Sends pods to the process node whose images have a launcher there, so that manifests say nothing of it. Lists that a
 * pod has already are added to.
 */
export function processNodeAdmission(): KubeObject[] {
  const repositories = launchers.flatMap((launcher) => launcher.repositories).join('|');
  const add = (path: string, value: string) => `JSONPatch{op: "add", path: ${path}, value: ${value}}`;
  const toleration = `Object.spec.tolerations{key: "${processNode}", operator: "Exists"}`;
  const expression = `
    (has(object.spec.nodeSelector) ? [] : [${add('"/spec/nodeSelector"', 'Object.spec.nodeSelector{}')}])
    + [${add(`"/spec/nodeSelector/" + jsonpatch.escapeKey("${processNode}")`, '"true"')}]
    + (has(object.spec.tolerations) ? [] : [${add('"/spec/tolerations"', '[]')}])
    + [${add('"/spec/tolerations/-"', toleration)}]`;
  return [
    {
      apiVersion: group,
      kind: 'MutatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] },
        matchConditions: [{
          name: 'has-a-launcher',
          expression: `object.spec.containers.exists(each, each.image.matches("(^|/)(${repositories})([:@]|$)"))`,
        }],
        mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
      },
    },
    { apiVersion: group, kind: 'MutatingAdmissionPolicyBinding', metadata, spec: { policyName: metadata.name } },
  ];
}
