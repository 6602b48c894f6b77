import { App } from 'cdk8s';
import type { Stack } from '../model/stack';
import { Crds } from './crds';
import { Gateway } from './gateway';
import { Gpu } from './gpu';
import { Ingress } from './ingress';
import { Keycloak } from './keycloak';
import { Minio } from './minio';
import { Platform } from './platform';
import { Postgresql } from './postgresql';
import { Priorities } from './priorities';
import { UserNamespace } from './user-namespace';

/** The whole platform of one stack as a tree of objects. Pure: no cluster, no secret, no clock. */
export function compose(stack: Stack): Platform {
  const platform = new Platform(new App(), stack);
  const { nodePools, quotas, demoUsers, exposure } = platform.region;
  new Crds(platform, 'crds', stack.definitions);
  new Priorities(platform, 'priorities');
  if (nodePools.some((pool) => pool.gpu)) new Gpu(platform, 'gpu');

  const routes = exposure.via === 'gateway' ? new Gateway(platform, 'gateway') : new Ingress(platform, 'ingress');
  const database = new Postgresql(platform, 'postgresql');
  new Keycloak(platform, 'keycloak', { database, routes });
  new Minio(platform, 'minio', { routes });

  for (const project of stack.instance.projects) {
    new UserNamespace(platform, { prefix: 'projet-', owner: project.name, quota: project.quota ?? quotas.group });
  }
  for (const user of demoUsers) new UserNamespace(platform, { prefix: 'user-', owner: user, quota: quotas.user });
  return platform;
}
