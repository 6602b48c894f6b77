import { Construct } from 'constructs';
import { Admission, cel, subject } from './admission';
import { onyxiaAccount, ownerLabel, projectPrefix, rbacPrefix, userPrefix } from './onyxia-names';
import { ownerBinding } from './onyxia-onboarding';
import type { Platform } from './platform';
import { keeper, maker } from './user-fence';
import { userNamespaceLabels } from './user-namespace';

/** Whose a namespace of people is, and who may do what there, is for the platform to say. */
export class UserAccess extends Construct {
  constructor(scope: Construct, id: string, { region }: Platform) {
    super(scope, id);
    const named = `${subject}.metadata.name == ${cel(ownerBinding)}`;
    const owner = `(each.kind == (namespaceObject.metadata.name.startsWith(${cel(userPrefix)}) ? 'User' : 'Group') && each.name == ${cel(rbacPrefix)} + namespaceObject.metadata.labels[${cel(ownerLabel)}])`;
    const onyxia = `(each.kind == ${cel(onyxiaAccount.kind)} && each.namespace == ${cel(onyxiaAccount.namespace)} && each.name == ${cel(onyxiaAccount.name)})`;
    new Admission(this, 'role-bindings', {
      requests: { operations: ['CREATE', 'UPDATE', 'DELETE'], resources: { 'rbac.authorization.k8s.io': ['rolebindings'] } },
      conditions: { 'not-by-keepers': `!${keeper}` },
      validations: [
        {
          expression: `(${named}) ? ${maker} : (request.operation == 'CREATE' || !has(oldObject.metadata.labels) || !('app.kubernetes.io/managed-by' in oldObject.metadata.labels) || oldObject.metadata.labels['app.kubernetes.io/managed-by'] != 'datalab-stacks')`,
          message: `The role binding ${ownerBinding} and those labelled app.kubernetes.io/managed-by: datalab-stacks say whose namespace this is and stay: make one of your own with another name.`,
        },
        {
          expression: `request.operation == 'DELETE' || (${named}) || !has(object.subjects) || object.subjects.all(each, each.kind == 'ServiceAccount' && each.namespace == object.metadata.namespace)`,
          message: 'A namespace is not shared by a role binding, since its secrets hold what its owner may do elsewhere: bind service accounts of this namespace only, and work together in the namespace of a project.',
        },
        {
          expression: `request.operation == 'DELETE' || !(${named}) || (object.roleRef.kind == 'ClusterRole' && object.roleRef.name == 'admin' && has(object.subjects) && object.subjects.all(each, ${owner} || ${onyxia}))`,
          message: `${ownerBinding} gives the ClusterRole admin to the owner of the namespace (${rbacPrefix}<${ownerLabel}>, of a project the group) and Onyxia's API, and nobody else.`,
        },
      ],
    });

    const owned = (object: string) => `${cel(ownerLabel)} in ${object}.metadata.labels`;
    const labels = Object.entries(userNamespaceLabels(region));
    new Admission(this, 'namespaces', {
      requests: { operations: ['CREATE', 'UPDATE'], resources: { '': ['namespaces'] } },
      namespaces: 'everywhere',
      conditions: {
        'of-people': `object.metadata.name.matches(${cel(`^(${userPrefix}|${projectPrefix})`)}) || ${owned('object')} || (request.operation == 'UPDATE' && ${owned('oldObject')})`,
        'changes-labels': "request.operation == 'CREATE' || object.metadata.labels != oldObject.metadata.labels",
        'not-by-keepers': `!${keeper}`,
      },
      validations: [
        {
          expression: `${owned('object')} && ${cel([userPrefix, projectPrefix])}.exists(prefix, object.metadata.name == prefix + object.metadata.labels[${cel(ownerLabel)}])`,
          message: `A namespace of a person or project is called ${userPrefix}<name> or ${projectPrefix}<name>, with that name in its label ${ownerLabel}, which the rules of the platform go by.`,
        },
        {
          expression: `request.operation == 'CREATE' || ${owned('oldObject')}`,
          message: `This namespace was there before and is not of a person or project: it does not become theirs by the label ${ownerLabel}. Choose another name, or ask the platform's operators.`,
        },
        {
          expression: labels.map(([key, value]) => `${cel(key)} in object.metadata.labels && object.metadata.labels[${cel(key)}] == ${cel(value)}`).join(' && '),
          message: `A namespace of a person or project has the region's labels, which services.namespaceLabels of Onyxia's region say: ${labels.map(([key, value]) => `${key}: ${value}`).join(', ')}.`,
        },
      ],
    });
  }
}
