import type { Problem } from './errors';
import type { Instance } from './instance';
import type { Region } from './region';

/** A choice that data hangs on, and what to do instead of altering it. */
interface Immutable<From> {
  readonly path: string;
  readonly value: (from: From) => string | undefined;
  readonly migration: string;
}

/** Of an instance. */
const ofInstance: readonly Immutable<Instance>[] = [
  {
    path: 'realm',
    value: ({ realm }) => realm,
    migration: 'people, groups and their passwords live in the realm: export it with kc.sh export --realm, import it under the new name, then alter this line, with every client logged out',
  },
];

/** Of each real region; what the embedded one holds can be deleted. */
const ofRegion: readonly Immutable<Region>[] = [
  ...(['default', 'database', 'objects'] as const).map((use): Immutable<Region> => ({
    path: `storageClasses.${use}`,
    value: ({ storageClasses }) => storageClasses[use] ?? storageClasses.default,
    migration: 'a volume never changes its class: back the system up, turn it off, purge its claims, alter this line, and restore (docs/operations.md)',
  })),
  {
    path: 'objectStore.endpoint',
    value: ({ objectStore }) => objectStore?.endpoint ?? 'our own MinIO',
    migration: 'objects stay where they are: mirror every bucket to the new store with its versions, compare the counts, then alter this line while nobody writes',
  },
  {
    path: 'vault.seal',
    value: ({ vault: { seal } }) => (seal.kind === 'transit' ? `transit at ${seal.address}, ${seal.mount}/${seal.key}` : seal.kind),
    migration: 'Vault cannot be opened with another seal: follow its seal migration (start it with both, unseal with -migrate), then alter this line',
  },
  {
    path: 'exposure.domain',
    value: ({ exposure }) => exposure.domain,
    migration: "links, bookmarks and tokens name the hosts below it: serve both domains for a while, with endpoints that keep each system's old host, and tell people",
  },
  {
    path: 'endpoints.identity',
    value: ({ endpoints, exposure }) => endpoints.identity ?? `auth.${exposure.domain}`,
    migration: 'it is the issuer of every token, and what MinIO, Vault and the API server trust: plan a day on which all of them are altered and everybody logs in again',
  },
  {
    path: 'endpoints.objectStore',
    value: ({ endpoints, exposure }) => endpoints.objectStore ?? `minio.${exposure.domain}`,
    migration: "notebooks and pipelines name it: keep the old host as an alias until people's code names the new one",
  },
];

/** What cannot be altered in a region of an instance, by path. Projects are known by their group, since their data hangs on the name. */
export function choicesOf(instance: Instance, region: string): Record<string, string> {
  const { projects, regions } = instance;
  const own = regions[region]!;
  const found: [string, string | undefined][] = [
    ...ofInstance.map(({ path, value }): [string, string | undefined] => [path, value(instance)]),
    ...projects.map(({ name, group }): [string, string] => [`projects[group ${group}].name`, name]),
    ...(own.cluster.access === 'embedded' ? [] : ofRegion.map(({ path, value }): [string, string | undefined] => [`regions.${region}.${path}`, value(own)])),
  ];
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** Choices that differ between two revisions: what was chosen, and the migration to follow. One that is new or gone is none of them. */
export function alteredChoices(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): Problem[] {
  return Object.keys(before).filter((path) => path in after && before[path] !== after[path]).sort().map((path) => ({
    path, got: `${before[path]} → ${after[path]}`, allowed: `${before[path]}: data hangs on it`, fix: migrationOf(path),
  }));
}

function migrationOf(path: string): string {
  if (path.startsWith('projects[')) return 'its bucket, namespace and secrets carry the name: declare a project with a group of its own, copy them, then remove this one';
  const known = [...ofInstance, ...ofRegion].find((each) => path === each.path || path.endsWith(`.${each.path}`));
  return known?.migration ?? 'keep it: a server does not change it, it deletes and makes anew; make a second object, copy the data, then remove the first';
}
