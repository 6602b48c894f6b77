import { Construct } from 'constructs';
import { Admission, ofPeople } from './admission';
import { ownerLabel } from './onyxia-names';
import { isOnyxia } from './onyxia-onboarding';

/**
 * What holds for Onyxia's API beyond the rules for everybody (UserAdmission): whatever it may do by RBAC, it writes in
 * namespaces of people and projects only, and enters no pod. Admission sees no reading: that is confined by RBAC alone.
 */
export class OnyxiaAdmission extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new Admission(this, 'onyxia-api', {
      requests: { operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'], resources: { '*': ['*/*'] } },
      namespaces: 'everywhere',
      conditions: { 'by-onyxia': isOnyxia },
      variables: { part: "has(request.subResource) ? request.subResource : ''" },
      validations: [
        {
          expression: ofPeople,
          message: `Onyxia's API works in the namespaces of people and projects, those with the label ${ownerLabel}, and nowhere else.`,
        },
        {
          expression: "request.operation != 'CONNECT' && variables.part != 'ephemeralcontainers' && !(request.resource.resource == 'serviceaccounts' && variables.part == 'token')",
          message: "Onyxia's API enters no pod and takes no token of a service account.",
        },
        {
          expression: "request.resource.resource != 'rolebindings' || request.operation == 'DELETE' || object.roleRef.kind == 'Role' || object.roleRef.name in ['admin', 'edit', 'view']",
          message: "A binding that Onyxia's API writes is to admin, edit or view.",
        },
        {
          // With such a release Onyxia can list and delete nothing in the namespace any more.
          expression: "request.resource.resource != 'secrets' || request.operation != 'CREATE' || !has(object.metadata.name) || !object.metadata.name.matches('^sh[.]helm[.]release[.]v1[.].[.]v[0-9]+$')",
          message: 'The name of a service has at least two characters: choose a longer one.',
        },
      ],
    });
  }
}
