import { kubernetesAudience, rbacPrefix } from '../constructs/onyxia-names';
import { idOf } from '../constructs/objects';
import type { Manifest } from '../policies/rule';
import { isProvisioned, podsIn } from '../policies/tree';
import { list, nameOf, reference } from './facts/fact';

/** Who is meant by a name in a change, and how they prove to be it. */
export interface Holder {
  readonly name: string;
  readonly who: string;
}

/** Roles that every cluster has. Source: kubernetes.io/docs/reference/access-authn-authz/rbac, user-facing roles. */
const builtIn: Readonly<Record<string, string>> = {
  'cluster-admin': 'a role that every cluster has: everything',
  admin: 'a role that every cluster has: in a namespace it reads and writes nearly everything, secrets, roles and role bindings included; not quotas, and not the namespace itself',
  edit: 'a role that every cluster has: in a namespace it reads and writes nearly everything, secrets included; not roles and role bindings',
  view: 'a role that every cluster has: in a namespace it reads nearly everything; not secrets, roles and role bindings',
};

/** Those whom some changed objects name, as the objects of the revision join tokens, groups, policies and accounts. */
export function holdersOf(changed: ReadonlySet<string>, objects: readonly Manifest[]): Holder[] {
  const of = (server: string, kind: RegExp) => objects.filter((object) => isProvisioned(object, server) && kind.test(object.kind));
  const touched = (server: string, kind: RegExp) => of(server, kind).filter((object) => changed.has(idOf(object)));
  const groups = of('keycloak', /^Group$/);
  const mappers = of('keycloak', /^UserAttributeProtocolMapper$/);
  /** Whose tokens have a value in a claim: members of groups with an attribute that a mapper writes there. */
  const bearers = (claim: string, value: string) => {
    const attributes = new Set(mappers.filter(({ spec }) => spec.claimName === claim).map(({ spec }) => String(spec.userAttribute)));
    const names = groups.filter(({ spec }) => [...attributes].some((attribute) => String(spec.attributes?.[attribute] ?? '').split('##').includes(value))).map(({ spec }) => String(spec.name));
    return names.length ? `, as those of members of the Keycloak group ${names.join(', ')} do` : ', which no group here gives';
  };
  const stores = podsIn(objects).flatMap(({ object, spec }) => list(spec.containers).flatMap(({ env }) => list(env).filter(({ name }) => name === 'MINIO_IDENTITY_OPENID_CLAIM_NAME').map(({ value }) => ({ server: nameOf(object), claim: String(value) }))));
  const logins = of('vault', /^AuthBackendRole$/);
  const found: Holder[] = [
    ...touched('keycloak', /^Group$/).map(({ metadata, spec }) => {
      const members = of('keycloak', /^GroupMemberships$/).filter((each) => reference(each.spec.groupId) === metadata.name);
      const named = members.flatMap((each) => list(each.spec.members)).join(', ') || 'no member is named: it starts empty';
      const claims = Object.entries(spec.attributes ?? {}).map(([attribute, value]) => {
        const writing = mappers.filter((mapper) => mapper.spec.userAttribute === attribute);
        return `${[...new Set(writing.map((mapper) => `the claim ${mapper.spec.claimName}`))].join(', ') || 'no claim'} says ${String(value)} in tokens of the clients ${writing.map((mapper) => reference(mapper.spec.clientId)).sort().join(', ') || 'none'}`;
      });
      return {
        name: `group ${spec.name}`,
        who: `a group of the realm ${reference(spec.realmId)} in Keycloak. Members: ${members.length ? named : 'not set here; whoever administers the realm adds them, and it starts empty'}. They log in to Keycloak with their own account; ${claims.join('; ')}`,
      };
    }),
    ...touched('minio', /Policy$/).map(({ metadata, spec }) => ({
      name: `policy ${spec.name ?? metadata.name}, on buckets`,
      who: stores.map(({ server, claim }) => `${server} gives it to whoever shows a token of Keycloak whose claim ${claim} names it${bearers(claim, String(spec.name ?? metadata.name))}`).join('; ') || 'whom the object store gives it to is not in these objects',
    })),
    ...touched('vault', /^GroupAlias$/).flatMap(({ spec }) => logins.filter((login) => login.spec.groupsClaim).map((login) => {
      const group = of('vault', /^Group$/).find((each) => each.metadata.name === reference(spec.canonicalId));
      const issuer = of('vault', /^AuthBackend$/).find((each) => each.metadata.name === reference(login.spec.backend))?.spec.boundIssuer;
      return {
        name: `group ${group?.spec.name ?? reference(spec.canonicalId)}, in Vault, and its policies ${list(group?.spec.policies).join(', ')}`,
        who: `whoever logs in by ${login.spec.roleName} with a token${issuer ? ` of ${issuer}` : ''} for the audience ${list(login.spec.boundAudiences).join(', ')} whose claim ${login.spec.groupsClaim} names ${spec.name}${bearers(String(login.spec.groupsClaim), String(spec.name))}`,
      };
    })),
    ...objects.filter(({ kind }) => /^(Cluster)?RoleBinding$/.test(kind)).filter((binding) => changed.has(idOf(binding))).flatMap(({ metadata, roleRef, subjects }: any): Holder[] => [
      ...list(subjects).flatMap(({ kind, name, namespace = metadata.namespace }): Holder[] => {
        if (kind === 'ServiceAccount') {
          const pods = podsIn(objects).filter(({ object, spec }) => object.metadata.namespace === namespace && (spec.serviceAccountName ?? 'default') === name).map(({ object }) => nameOf(object));
          return [{ name: `service account ${namespace}/${name}`, who: `the pods of ${pods.join(', ') || 'nothing that is here'}, by the token that the cluster gives them` }];
        }
        if (!String(name).startsWith(rbacPrefix)) return [];
        const own = String(name).slice(rbacPrefix.length);
        const clients = of('keycloak', /^AudienceProtocolMapper$/).filter(({ spec }) => spec.includedCustomAudience === kubernetesAudience).map(({ spec }) => reference(spec.clientId)).join(', ');
        const what = kind === 'Group' ? `whose claim groups names ${own}${bearers('groups', own)}` : `of the person ${own}`;
        return [{ name: `${String(kind).toLowerCase()} ${name}`, who: `whoever shows the API server a token of Keycloak${clients ? ` (client ${clients})` : ''} ${what}; the API server puts ${rbacPrefix} before the names that Keycloak gives` }];
      }),
      ...(roleRef?.kind === 'ClusterRole' && builtIn[roleRef.name] && !objects.some(({ kind, metadata: own }) => kind === 'ClusterRole' && own.name === roleRef.name) ? [{ name: `ClusterRole ${roleRef.name}`, who: builtIn[roleRef.name]! }] : []),
    ]),
  ];
  return [...new Map(found.map((holder) => [`${holder.name} ${holder.who}`, holder])).values()];
}
