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
import { Onyxia } from './onyxia';
import { kubernetesAudience, projectPrefix, userPrefix } from './onyxia-names';
import { Platform } from './platform';
import { Postgresql } from './postgresql';
import { Priorities } from './priorities';
import { Realm } from './realm';
import { UserAdmission } from './user-admission';
import { UserNamespace } from './user-namespace';
import { Vault } from './vault';
import { vaultAudience } from './vault-access';

/** The whole platform of one stack as a tree of objects. Pure: no cluster, no secret, no clock. */
export function compose(stack: Stack): Platform {
  const platform = new Platform(new App(), stack);
  const { nodePools, quotas, users, demoUsers, exposure } = platform.region;
  new Crds(platform, 'crds', stack.definitions);
  new Priorities(platform, 'priorities');
  new UserAdmission(platform, 'user-admission');
  if (stack.instance.posture === 'open') new Fence(platform, 'fence');
  if (nodePools.some((pool) => pool.gpu)) new Gpu(platform, 'gpu');

  const routes = exposure.via === 'gateway' ? new Gateway(platform, 'gateway') : new Ingress(platform, 'ingress');
  const database = new Postgresql(platform, 'postgresql');
  const keycloak = new Keycloak(platform, 'keycloak', { database, routes });
  const identity = new Realm(keycloak, 'realm');
  const { objectStore } = platform.region;
  const minio = objectStore ? undefined : new Minio(platform, 'minio', { routes, identity });
  if (objectStore) new ExternalS3(platform, 'object-store');
  const vault = new Vault(platform, 'vault', { routes, identity });
  // Onyxia's page gets a token for each server, all sent back to its first page.
  const portal = { redirectUris: [`${platform.url(exposure.domain)}/`], policyClaim: false };
  const s3 = identity.client('onyxia-minio', { ...portal, audiences: [minioAudience], policyClaim: true });
  const secrets = identity.client('onyxia-vault', { ...portal, audiences: [vaultAudience], policyClaim: true });
  const kubernetes = identity.client('onyxia-kubernetes', { ...portal, audiences: [kubernetesAudience] });

  new Onyxia(platform, 'onyxia', {
    routes,
    identity,
    s3: minio ? { url: minio.url, signingRegion: 'us-east-1', client: s3.clientId } : { url: objectStore!.endpoint, signingRegion: objectStore!.signingRegion },
    vault: { url: vault.url, client: secrets.clientId },
    kubernetesClient: kubernetes.clientId,
  });

  for (const project of stack.instance.projects) {
    new UserNamespace(platform, { prefix: projectPrefix, owner: project.name, quota: project.quota ?? quotas.group });
  }
  for (const user of [...users, ...Object.keys(demoUsers)]) new UserNamespace(platform, { prefix: userPrefix, owner: user, quota: quotas.user });
  return platform;
}
