import { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { byAccount } from './admission';
import { onyxiaAccount } from './onyxia-names';

const admission = 'admissionregistration.k8s.io/v1';
const rbac = 'rbac.authorization.k8s.io';
const metadata = { name: 'datalab-onyxia-onboarding' };

/** The binding by which Onyxia makes somebody `admin` of their namespace. */
export const ownerBinding = 'full_control_namespace';

/** CEL: the caller is Onyxia's API. */
export const isOnyxia = byAccount(onyxiaAccount);

/**
 * Posture open: Onyxia's API makes the namespace of each person at the first login. In the whole cluster it may do these
 * steps and nothing else, and OnyxiaAdmission confines them to namespaces of people and projects. Its right to work there comes with the
 * namespace: the API server adds it to the owner's binding, so that it reads no Secret of any other namespace.
 */
export class OnyxiaOnboarding extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new k8s.KubeClusterRole(this, 'role', {
      metadata,
      rules: [
        { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'create', 'patch'] },
        { apiGroups: [''], resources: ['resourcequotas'], verbs: ['get', 'create', 'update'] },
        { apiGroups: [rbac], resources: ['rolebindings'], verbs: ['get', 'create', 'update'] },
        { apiGroups: [rbac], resources: ['clusterroles'], resourceNames: ['admin', 'edit', 'view'], verbs: ['bind'] },
      ],
    });
    new k8s.KubeClusterRoleBinding(this, 'role-binding', {
      metadata,
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: metadata.name },
      subjects: [onyxiaAccount],
    });
    new ApiObject(this, 'policy', {
      apiVersion: admission,
      kind: 'MutatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        matchConstraints: { resourceRules: [{ apiGroups: [rbac], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['rolebindings'] }] },
        matchConditions: [
          { name: 'by-onyxia', expression: isOnyxia },
          { name: 'of-an-owner', expression: `object.metadata.name == '${ownerBinding}' && has(object.subjects)` },
          { name: 'not-there-yet', expression: `!object.subjects.exists(each, each.kind == 'ServiceAccount' && each.name == '${onyxiaAccount.name}')` },
        ],
        mutations: [
          {
            patchType: 'JSONPatch',
            jsonPatch: {
              expression: `[JSONPatch{op: "add", path: "/subjects/-", value: Object.subjects{kind: "ServiceAccount", name: "${onyxiaAccount.name}", namespace: "${onyxiaAccount.namespace}"}}]`,
            },
          },
        ],
      },
    });
    new ApiObject(this, 'policy-binding', { apiVersion: admission, kind: 'MutatingAdmissionPolicyBinding', metadata, spec: { policyName: metadata.name } });
  }
}
