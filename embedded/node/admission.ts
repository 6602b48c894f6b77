import { setTimeout as sleep } from 'node:timers/promises';
import type { Kube, KubeObject } from '../kube';
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

/** Waits until the API server, which needs a moment to read a new policy, sends pods to the process node. @throws Error after 30 s */
export async function waitForAdmission(kube: Kube): Promise<void> {
  const [repository] = launchers.flatMap((launcher) => launcher.repositories);
  const probe: KubeObject = {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'admission-probe', namespace: 'default' }, spec: { containers: [{ name: 'probe', image: repository }] },
  };
  const deadline = Date.now() + 30_000;
  for (;;) {
    const admitted = await kube.create(probe, { fieldManager: 'datalab-stacks-region', dryRun: true });
    if (admitted.spec.nodeSelector?.[processNode]) return;
    if (Date.now() > deadline) throw new Error('the admission policy of the process node has no effect');
    await sleep(100);
  }
}
