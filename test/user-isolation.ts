import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { parse } from 'yaml';
import { KubeError, type Kube, type KubeObject, type KubeRef } from '../embedded/kube';
import { eventually } from './embedded/temporary';

const apiVersion = 'admissionregistration.k8s.io/v1';
let round = 0;

/**
 * Waits until the API server goes by every policy that was written before: it reads each kind in order, and these are the
 * last. One marks a ConfigMap, the other refuses what is marked.
 */
export async function policiesInForce(kube: Kube): Promise<void> {
  const name = `in-force-${(round += 1)}`;
  const by = { fieldManager: 'test' };
  const matchConstraints = { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }] };
  const mark = { patchType: 'ApplyConfiguration', applyConfiguration: { expression: `Object{metadata: Object.metadata{labels: {"${name}": "mark"}}}` } };
  const matchConditions = [{ name: 'this-round', expression: `object.metadata.name == "${name}"` }];
  for (const [type, spec, binding] of [
    ['Mutating', { failurePolicy: 'Fail', reinvocationPolicy: 'Never', mutations: [mark] }, {}],
    ['Validating', { validations: [{ expression: `!has(object.metadata.labels) || !("${name}" in object.metadata.labels)`, message: name }] }, { validationActions: ['Deny'] }],
  ] as const) {
    await kube.apply({ apiVersion, kind: `${type}AdmissionPolicy`, metadata: { name }, spec: { matchConstraints, matchConditions, ...spec } }, by);
    await kube.apply({ apiVersion, kind: `${type}AdmissionPolicyBinding`, metadata: { name }, spec: { policyName: name, ...binding } }, by);
  }
  await eventually(name, async () => {
    try {
      await kube.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } }, { ...by, dryRun: true });
      return false;
    } catch (error) {
      if (error instanceof KubeError && error.message.includes(`denied request: ${name}`)) return true;
      throw error;
    }
  });
}

/** A request by somebody: what they try, on which object. `delete all` is of the whole kind in the object's namespace. */
export type Verb = 'create' | 'apply' | 'delete' | 'delete all' | 'list' | 'get';

export interface Answer {
  readonly status: number;
  readonly message: string;
}

/**
 * Asks as somebody else, by impersonation: the administrator's certificate with the headers Impersonate-User and
 * Impersonate-Group. Nothing is kept unless `keep`.
 */
export async function ask(kube: Kube, kubeconfig: string, who: readonly string[], verb: Verb, object: KubeObject | KubeRef, keep = false): Promise<Answer> {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as any;
  const user = config.users[0].user;
  const decode = (text: string) => Buffer.from(text, 'base64');
  const collection = await kube.collection(object.apiVersion, object.kind, object.metadata.namespace, object.metadata.namespace === undefined);
  const one = `${collection}/${object.metadata.name}`;
  const [method, path] = { create: ['POST', collection], apply: ['PATCH', one], delete: ['DELETE', one], 'delete all': ['DELETE', collection], list: ['GET', collection], get: ['GET', one] }[verb] as [string, string];
  const reads = method === 'GET';
  const query = new URLSearchParams({ ...(reads ? {} : { fieldManager: 'person' }), ...(keep || reads ? {} : { dryRun: 'All' }), ...(verb === 'apply' ? { force: 'true' } : {}) });
  const body = verb === 'create' || verb === 'apply' ? JSON.stringify(object) : undefined;
  const [name, ...groups] = who as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const call = request(`${kube.server}${path}?${query}`, {
      method,
      agent: false,
      ca: decode(config.clusters[0].cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
      headers: {
        'Impersonate-User': name,
        'Impersonate-Group': ['system:authenticated', ...groups],
        ...(body ? { 'content-type': verb === 'apply' ? 'application/apply-patch+yaml' : 'application/json' } : {}),
      },
    }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('end', () => {
        const { message } = JSON.parse(text) as { message?: string };
        resolve({ status: answer.statusCode!, message: message ?? '' });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** What the table compares: `allowed`, or the server's words. */
export const verdict = ({ status, message }: Answer): string => (status < 300 ? 'allowed' : message);
