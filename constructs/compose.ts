import { App } from 'cdk8s';
import type { Stack } from '../model/stack';
import { Crds } from './crds';
import { ExternalS3 } from './external-s3';
import { Fence } from './fence';
import { Gateway } from './gateway';
import { Gpu } from './gpu';
import { Ingress } from './ingress';
import { Keycloak } from './keycloak';
import { Minio, minioAudience } from './minio';
import { Platform } from './platform';
import { Postgresql } from './postgresql';
import { Priorities } from './priorities';
import { Realm } from './realm';
import { UserAdmission } from './user-admission';
import { kubernetesAudience, UserNamespace } from './user-namespace';
import { Vault } from './vault';
import { vaultAudience } from './vault-access';

/** The whole platform of one stack as a tree of objects. Pure: no cluster, no secret, no clock. */
export function compose(stack: Stack): Platform {
  const platform = new Platform(new App(), stack);
  const { nodePools, quotas, demoUsers, exposure } = platform.region;
  new Crds(platform, 'crds', stack.definitions);
  new Priorities(platform, 'priorities');
  new UserAdmission(platform, 'user-admission');
  if (stack.instance.posture === 'open') new Fence(platform, 'fence');
  if (nodePools.some((pool) => pool.gpu)) new Gpu(platform, 'gpu');

  const routes = exposure.via === 'gateway' ? new Gateway(platform, 'gateway') : new Ingress(platform, 'ingress');
  const database = new Postgresql(platform, 'postgresql');
  const keycloak = new Keycloak(platform, 'keycloak', { database, routes });
  const identity = new Realm(keycloak, 'realm');
  if (platform.region.objectStore) new ExternalS3(platform, 'object-store');
  else new Minio(platform, 'minio', { routes, identity });
  new Vault(platform, 'vault', { routes, identity });
  identity.client('onyxia-minio', { redirectUris: [platform.url(exposure.domain)], audiences: [minioAudience], policyClaim: true });
  identity.client('onyxia-vault', { redirectUris: [platform.url(exposure.domain)], audiences: [vaultAudience], policyClaim: true });
  identity.client('onyxia-kubernetes', { redirectUris: [platform.url(exposure.domain)], audiences: [kubernetesAudience], policyClaim: false });

  for (const project of stack.instance.projects) {
    new UserNamespace(platform, { prefix: 'projet-', owner: project.name, group: project.group, quota: project.quota ?? quotas.group });
  }
  for (const user of Object.keys(demoUsers)) new UserNamespace(platform, { prefix: 'user-', owner: user, quota: quotas.user });
  return platform;
}
