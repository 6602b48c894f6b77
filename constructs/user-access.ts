import { Construct } from 'constructs';
import { Admission, cel } from './admission';
import { onyxiaAccount, rbacPrefix } from './onyxia-names';
import { ownerBinding } from './onyxia-onboarding';
import { peoplePodSecurity } from './user-namespace';
import { keeper, maker, subject } from './user-fence';


/** Accounts whose rights RBAC can only give in the whole cluster. */
const confined = ['system:serviceaccount:onyxia:onyxia-api', 'system:serviceaccount:fence:fence'];

/** Who may do what in people's namespaces is for the platform to say; who works there for the platform has no business elsewhere. */
export class UserAccess extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const named = `${subject}.metadata.name == ${cel(ownerBinding)}`;
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
          expression: `request.operation == 'DELETE' || !(${named}) || (object.roleRef.kind == 'ClusterRole' && object.roleRef.name == 'admin' && has(object.subjects) && object.subjects.all(each, (each.kind in ['User', 'Group'] && each.name.startsWith(${cel(rbacPrefix)})) || (each.kind == 'ServiceAccount' && each.namespace == ${cel(onyxiaAccount.namespace)} && each.name == ${cel(onyxiaAccount.name)})))`,
          message: `${ownerBinding} gives the ClusterRole admin to people and groups of the realm (${rbacPrefix}…) and Onyxia's API, and nobody else.`,
        },
      ],
    });
    const owned = (object: string) => `(has(${object}.metadata.labels) && 'onyxia_owner' in ${object}.metadata.labels)`;
    const same = (label: string) => `(request.operation == 'CREATE' || !(${cel(label)} in oldObject.metadata.labels) || object.metadata.labels[${cel(label)}] == oldObject.metadata.labels[${cel(label)}])`;
    const enforce = 'pod-security.kubernetes.io/enforce';
    new Admission(this, 'namespaces', {
      requests: { operations: ['CREATE', 'UPDATE'], resources: { '': ['namespaces'] } },
      namespaces: 'everywhere',
      conditions: {
        'of-people': `object.metadata.name.matches('^(user|projet)-') || ${owned('object')} || (request.operation == 'UPDATE' && ${owned('oldObject')})`,
        'not-by-keepers': `!${keeper}`,
      },
      validations: [
        {
          expression: `object.metadata.name.matches('^(user|projet)-') && ${owned('object')} && ${same('onyxia_owner')}`,
          message: 'A namespace of a person or project is called user-… or projet-… and keeps its label onyxia_owner, which the rules of the platform go by.',
        },
        {
          expression: `has(object.metadata.labels) && ${cel(enforce)} in object.metadata.labels && object.metadata.labels[${cel(enforce)}] == ${cel(peoplePodSecurity)}`,
          message: `A namespace of a person or project enforces Pod Security ${peoplePodSecurity}: set the label ${enforce} to it (services.namespaceLabels of Onyxia's region).`,
        },
      ],
    });
    new Admission(this, 'elsewhere', {
      requests: { operations: ['CREATE', 'UPDATE', 'DELETE'], resources: { '*': ['*/*'] } },
      namespaces: 'of nobody',
      conditions: { 'by-the-confined': `request.userInfo.username in ${cel(confined)}` },
      validations: [{ expression: 'false', message: 'Onyxia and the keeper of the fence work in the namespaces of people and projects, those with the label onyxia_owner, and nowhere else.' }],
    });
  }
}
