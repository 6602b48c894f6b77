import { App } from 'cdk8s';
import type { Stack } from '../model/stack';
import { Crds } from './crds';
import { ExternalS3 } from './external-s3';
import { Gateway } from './gateway';
import { Gpu } from './gpu';
import { Ingress } from './ingress';
import { Keycloak } from './keycloak';
import { Minio, minioAudience } from './minio';
import { Onyxia } from './onyxia';
import { Platform } from './platform';
import { Postgresql } from './postgresql';
import { Priorities } from './priorities';
import { Realm } from './realm';
import { UserNamespace } from './user-namespace';

/** The whole platform of one stack as a tree of objects. Pure: no cluster, no secret, no clock. */
export function compose(stack: Stack): Platform {
  const platform = new Platform(new App(), stack);
  const { nodePools, quotas, users, demoUsers, exposure } = platform.region;
  new Crds(platform, 'crds', stack.definitions);
  new Priorities(platform, 'priorities');
  if (nodePools.some((pool) => pool.gpu)) new Gpu(platform, 'gpu');

  const routes = exposure.via === 'gateway' ? new Gateway(platform, 'gateway') : new Ingress(platform, 'ingress');
  const database = new Postgresql(platform, 'postgresql');
  const keycloak = new Keycloak(platform, 'keycloak', { database, routes });
  const identity = new Realm(keycloak, 'realm');
  const { objectStore } = platform.region;
  const minio = objectStore ? undefined : new Minio(platform, 'minio', { routes, identity });
  if (objectStore) new ExternalS3(platform, 'object-store');
  // Onyxia's page gets a token for each server, all sent back to its first page.
  const portal = { redirectUris: [`${platform.url(exposure.domain)}/`], policyClaim: false };
  const s3 = identity.client('onyxia-minio', { ...portal, audiences: [minioAudience], policyClaim: true });
  const secrets = identity.client('onyxia-vault', { ...portal, audiences: ['vault'] });
  const kubernetes = identity.client('onyxia-kubernetes', { ...portal, audiences: ['kubernetes'] });
  if (platform.region.cluster.access === 'embedded') {
    // The `datalab login` command; the port is its own.
    identity.client('datalab-cli', { redirectUris: ['http://127.0.0.1:8250/callback'], audiences: [minioAudience], policyClaim: true });
  }

  new Onyxia(platform, 'onyxia', {
    routes,
    identity,
    s3: minio ? { url: minio.url, signingRegion: 'us-east-1', client: s3.clientId } : { url: objectStore!.endpoint, signingRegion: objectStore!.signingRegion },
    vault: { url: platform.url(`vault.${exposure.domain}`), client: secrets.clientId },
    kubernetesClient: kubernetes.clientId,
  });

  for (const project of stack.instance.projects) {
    new UserNamespace(platform, { prefix: 'projet-', owner: project.name, quota: project.quota ?? quotas.group });
  }
  for (const user of [...users, ...Object.keys(demoUsers)]) new UserNamespace(platform, { prefix: 'user-', owner: user, quota: quotas.user });
  return platform;
}
