import { Gateway } from '../../constructs/gateway';
import { Keycloak } from '../../constructs/keycloak';
import type { Platform } from '../../constructs/platform';
import { Postgresql } from '../../constructs/postgresql';
import { Provisioner } from '../../constructs/provisioned';
import { Realm } from '../../constructs/realm';
import { System } from '../../constructs/system';
import { VaultAccess } from '../../constructs/vault-access';
import type { Workload } from '../../constructs/workload';
import type { InstanceDefinition } from '../../model/instance';
import { confidential } from '../model/base';
import { appIn, platformWith } from './base';

/** A platform with a realm, pods in Vault's place and what Vault gives; the address is that of Pulumi's provider. */
export function vaultPlatform(definition: InstanceDefinition = confidential(), address = 'https://vault.lab.example.org'): { platform: Platform; access: VaultAccess; server: Workload } {
  const platform = platformWith({}, definition);
  const routes = new Gateway(platform, 'gateway');
  const keycloak = new Keycloak(platform, 'keycloak', { routes, database: new Postgresql(platform, 'postgresql') });
  const identity = new Realm(keycloak, 'realm');
  const system = new System(platform, 'vault', { stateful: true });
  const server = appIn(platform, { kind: 'StatefulSet', ports: { http: 8200 } }, 'vault', system);
  const config = { address, skipChildToken: 'true', authLoginJwt: JSON.stringify({ mount: 'workloads', role: 'pulumi' }) };
  const provisioner = new Provisioner(system, 'provisioner', { package: 'vault', workload: server, config });
  return { platform, server, access: new VaultAccess(system, 'access', { provisioner, server, identity }) };
}
