import { App } from 'cdk8s';
import { stringify } from 'yaml';
import { entriesOf, type Entry, type PlatformObject } from '../../constructs/objects';
import { Platform } from '../../constructs/platform';
import { System } from '../../constructs/system';
import { Workload, type WorkloadProps } from '../../constructs/workload';
import { defineInstance, type InstanceDefinition } from '../../model/instance';
import type { RegionDefinition } from '../../model/region';
import { firstVersions, type SecretVersions } from '../../model/secret-versions';
import type { CustomResourceDefinition } from '../../model/stack';
import { open } from '../model/base';

/** An empty platform in the region `main` of test/model/base.ts, changed. */
export function platformWith(
  change: Partial<RegionDefinition> = {},
  definition: InstanceDefinition = open(),
  definitions: readonly CustomResourceDefinition[] = [],
  secrets: SecretVersions = firstVersions,
): Platform {
  const instance = defineInstance({ ...definition, regions: { main: { ...definition.regions.main!, ...change } } });
  return new Platform(new App(), { name: `${instance.name}.main`, instance, region: 'main', logo: '<svg/>', definitions, secrets });
}

/** A manifest, to look into. */
export type Manifest = PlatformObject & { readonly [field: string]: any };

/** The objects of a tree by their ids. */
export function objectsOf(platform: Platform): Record<string, Manifest> {
  return Object.fromEntries(entriesOf(platform).map(({ id, object }) => [id, object]));
}

export function entryOf(platform: Platform, id: string): Entry {
  return entriesOf(platform).find((entry) => entry.id === id)!;
}

/** The objects of one system as YAML, for a snapshot. */
export function yamlOf(platform: Platform, system?: string): string {
  const entries = entriesOf(platform).filter((entry) => !system || entry.system === system);
  return entries.map(({ id, object }) => `# ${id}\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`).join('---\n');
}

export const image = { repository: 'docker.io/example/app', tag: '1.2.3' };

/** A system `app` with one workload `web` on port 8080. */
export function appIn(platform: Platform, props: Partial<WorkloadProps> = {}, name = 'web', system = new System(platform, 'app')): Workload {
  return new Workload(system, name, { kind: 'Deployment', image, ports: { http: 8080 }, cpu: '100m', memory: '256Mi', user: 1000, ...props });
}
