import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { cel } from '../policies/cel';
import type { Validation } from '../policies/rule';
import { ownerLabel } from './onyxia-names';

export { cel } from '../policies/cel';

const apiVersion = 'admissionregistration.k8s.io/v1';

type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What a request must be about; groups to resources, `''` is the core group. */
export interface Requests {
  readonly operations: readonly Operation[];
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

export interface AdmissionProps {
  readonly requests: Requests;
  readonly validations: readonly Validation[];
  /** Where it holds; `everywhere` includes objects without a namespace. @default the namespaces of people and projects */
  readonly namespaces?: 'everywhere';
  /** CEL; the policy holds for requests of which all are true. @default every request */
  readonly conditions?: Readonly<Record<string, string>>;
  /** CEL by the names that validations use as `variables.<name>`. @default none */
  readonly variables?: Readonly<Record<string, string>>;
  /** An object of the request's namespace that must be there, and that validations read as `params`. @default none */
  readonly param?: { readonly apiVersion: string; readonly kind: string; readonly name: string };
}

/** A rule of the API server itself: what it refuses, where, and in which words. A fault of the rule refuses as well. */
export class Admission extends Construct {
  constructor(scope: Construct, id: string, { requests, validations, namespaces, conditions = {}, variables = {}, param }: AdmissionProps) {
    super(scope, id);
    const metadata = { name: `datalab-${id}` };
    const named = (of: Readonly<Record<string, string>>) => Object.entries(of).map(([name, expression]) => ({ name, expression }));
    new ApiObject(this, 'policy', {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        ...(param ? { paramKind: { apiVersion: param.apiVersion, kind: param.kind } } : {}),
        matchConstraints: {
          resourceRules: Object.entries(requests.resources).map(([group, resources]) => ({
            apiGroups: [group], apiVersions: ['*'], operations: requests.operations, resources, scope: namespaces === 'everywhere' ? '*' : 'Namespaced',
          })),
        },
        ...(Object.keys(conditions).length ? { matchConditions: named(conditions) } : {}),
        ...(Object.keys(variables).length ? { variables: named(variables) } : {}),
        validations: validations.map((validation) => ({ ...validation })),
      },
    });
    new ApiObject(this, 'binding', {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: {
        policyName: metadata.name,
        ...(param ? { paramRef: { name: param.name, parameterNotFoundAction: 'Deny' } } : {}),
        validationActions: ['Deny'],
        ...(namespaces === 'everywhere' ? {} : { matchResources: { namespaceSelector: { matchExpressions: [{ key: ownerLabel, operator: 'Exists' }] } } }),
      },
    });
  }
}

/** CEL: the object of the request, also of one that goes. */
export const subject = "(request.operation == 'DELETE' ? oldObject : object)";

/** CEL: the request is about a namespace of a person or project, or something in one. Every namespace has labels. */
export const ofPeople = `(request.resource.resource == 'namespaces' ? ${cel(ownerLabel)} in ${subject}.metadata.labels : (namespaceObject != null && ${cel(ownerLabel)} in namespaceObject.metadata.labels))`;

/** CEL: the caller is this service account. */
export function byAccount({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `request.userInfo.username == ${cel(`system:serviceaccount:${namespace}:${name}`)}`;
}

/** CEL: the request changes what an object asks for; a finalizer or a label of an object that was there before is let go. */
export const changesSpec = { 'changes-spec': "request.operation != 'UPDATE' || object.spec != oldObject.spec" };
