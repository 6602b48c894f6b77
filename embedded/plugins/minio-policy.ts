import { MinioError, type MinioServer } from './minio-server';
import type { Kind } from './provider-resources';
import { isObject, mapValues, type Values } from './provider-values';

/** `minio:index/iamPolicy:IamPolicy`. Its id is its name. */
export const iamPolicy: Kind<MinioServer> = {
  name: ({ name }) => `policy '${name}'`,
  fields: {
    name: { required: true, replace: true },
    policy: { required: true, canonical: canonicalPolicy },
  },
  find: async (server, { name }) => ((await policyOf(server, name)) === undefined ? undefined : name),
  async create(server, { name, policy }) {
    await setPolicy(server, name, policy);
    return name;
  },
  async read(server, id) {
    const policy = await policyOf(server, id);
    return policy === undefined ? undefined : { name: id, policy };
  },
  update: (server, id, { policy }) => setPolicy(server, id, policy),
  async delete(server, id) {
    try {
      await server.admin('DELETE', 'remove-canned-policy', { name: id });
    } catch (error) {
      if (!isUnknownPolicy(error)) throw error;
    }
  },
};

async function setPolicy(server: MinioServer, name: string, policy: string): Promise<void> {
  await server.admin('PUT', 'add-canned-policy', { name }, policy);
}

async function policyOf(server: MinioServer, name: string): Promise<string | undefined> {
  try {
    const { Policy } = JSON.parse(await server.admin('GET', 'info-canned-policy', { name, v: '2' }));
    return JSON.stringify(Policy);
  } catch (error) {
    if (isUnknownPolicy(error)) return undefined;
    throw error;
  }
}

function isUnknownPolicy(error: unknown): boolean {
  return error instanceof MinioError && error.code === 'XMinioAdminNoSuchPolicy';
}

/** A policy in the one spelling of all that mean the same: MinIO makes lists of single values, and sorts them. */
export function canonicalPolicy(policy: string): string {
  let document: unknown;
  try {
    document = JSON.parse(policy);
  } catch {
    throw new Error('got a text that is not JSON; allowed: a policy document. Fix: write it with JSON.stringify');
  }
  if (!isObject(document) || !Array.isArray(document.Statement)) {
    throw new Error('got JSON without a list of statements; allowed: {"Version": "2012-10-17", "Statement": […]}. Fix: add them');
  }
  return JSON.stringify({ Version: document.Version, Statement: document.Statement.map(canonicalStatement) });
}

function canonicalStatement(statement: Values): Values {
  const { Sid, Effect, Action, NotAction, Resource, NotResource, Condition } = statement;
  const conditions = (operator: Values) => sortedKeys(mapValues(operator, list));
  return withoutEmpty({
    Sid,
    Effect,
    Action: list(Action),
    NotAction: list(NotAction),
    Resource: list(Resource),
    NotResource: list(NotResource),
    Condition: isObject(Condition) ? sortedKeys(mapValues(Condition, conditions)) : undefined,
  });
}

function list(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  return (Array.isArray(value) ? value : [value]).map(String).sort();
}

function sortedKeys(object: Values): Values {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutEmpty(object: Values): Values {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== '' && !(isObject(value) && Object.keys(value).length === 0)));
}
