import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { onyxiaAccount, projectPrefix, rbacPrefix, userPrefix } from './onyxia-names';
import { isOnyxia, ownerBinding } from './onyxia-onboarding';
import { Platform } from './platform';
import { userNamespaceLabels } from './user-namespace';

const apiVersion = 'admissionregistration.k8s.io/v1';
const metadata = { name: 'datalab-onyxia-api' };

/**
 * Whatever Onyxia's API may do by RBAC, it writes in namespaces of people and projects only, makes nobody admin but
 * their owner, and enters no pod. Admission sees no reading: that is confined by RBAC alone.
 */
export class OnyxiaAdmission extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const labels = Object.entries(userNamespaceLabels(Platform.of(this).region));
    const label = (key: string, value: string) => `'${key}' in object.metadata.labels && object.metadata.labels['${key}'] == ${value}`;
    const about = (resource: string, expression: string) => `request.resource.resource != '${resource}' || request.operation == 'DELETE' || (${expression})`;
    const itself = `each.kind == 'ServiceAccount' && each.name == '${onyxiaAccount.name}' && each.namespace == '${onyxiaAccount.namespace}'`;
    const service = "each.kind == 'ServiceAccount' && each.namespace == request.namespace";
    const owner = `each.kind == (variables.person ? 'User' : 'Group') && each.name == '${rbacPrefix}' + variables.owner`;
    new ApiObject(this, 'policy', {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'], resources: ['*/*'] }],
        },
        matchConditions: [{ name: 'by-onyxia', expression: isOnyxia }],
        variables: [
          { name: 'part', expression: "has(request.subResource) ? request.subResource : ''" },
          {
            name: 'home',
            expression: "request.resource.resource == 'namespaces' ? (request.operation == 'DELETE' ? request.name : object.metadata.name) : (has(request.namespace) ? request.namespace : '')",
          },
          { name: 'person', expression: `variables.home.startsWith('${userPrefix}')` },
          { name: 'owner', expression: `variables.home.replace(variables.person ? '${userPrefix}' : '${projectPrefix}', '', 1)` },
        ],
        validations: [
          {
            expression: `variables.home.matches('^(${userPrefix}|${projectPrefix})[a-z0-9]')`,
            message: `Onyxia's API works in namespaces ${userPrefix}… and ${projectPrefix}… only.`,
          },
          {
            expression: "request.operation != 'CONNECT' && variables.part != 'ephemeralcontainers' && !(request.resource.resource == 'serviceaccounts' && variables.part == 'token')",
            message: "Onyxia's API enters no pod and takes no token of a service account.",
          },
          {
            expression: about('namespaces', `has(object.metadata.labels) && ${label('onyxia_owner', 'variables.owner')} && ${labels.map(([key, value]) => label(key, `'${value}'`)).join(' && ')}`),
            message: "A namespace carries its owner's name and the region's namespaceLabels: correct the region of Onyxia.",
          },
          {
            expression: about(
              'rolebindings',
              `(object.roleRef.kind == 'Role' || object.roleRef.name in ['admin', 'edit', 'view']) && has(object.subjects) && (object.metadata.name == '${ownerBinding}' ? object.subjects.all(each, (${owner}) || (${itself})) : object.subjects.all(each, ${service}))`,
            ),
            message: 'A binding is of the owner of the namespace, or of service accounts in it, to admin, edit or view.',
          },
          {
            expression: about('resourcequotas', "object.metadata.name == 'onyxia-quota'"),
            message: "The only quota that Onyxia's API sets is onyxia-quota.",
          },
          {
            // With such a release Onyxia can list and delete nothing in the namespace any more.
            expression: "request.resource.resource != 'secrets' || request.operation != 'CREATE' || !has(object.metadata.name) || !object.metadata.name.matches('^sh[.]helm[.]release[.]v1[.].[.]v[0-9]+$')",
            message: 'The name of a service has at least two characters: choose a longer one.',
          },
        ],
      },
    });
    new ApiObject(this, 'binding', {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: metadata.name, validationActions: ['Deny'] },
    });
  }
}
