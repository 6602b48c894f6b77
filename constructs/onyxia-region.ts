import type { Localized } from '../model/brand';
import type { Quota } from '../model/region';
import { projectPrefix, rbacPrefix, userPrefix } from './onyxia-names';
import type { OnyxiaQuotas, OnyxiaRegion, OnyxiaS3 } from './onyxia-region-types';
import type { Platform } from './platform';
import { userNamespaceLabels } from './user-namespace';

/** Where Onyxia sends people, and the clients of the realm that it gets tokens for. */
export interface OnyxiaServers {
  readonly s3: { readonly url: string; readonly signingRegion: string; /** Client of tokens for the STS. @default people enter keys */ readonly client?: string };
  /** @default preferences stay in the browser, and services get no secrets */
  readonly vault?: { readonly url: string; readonly client: string };
  readonly kubernetesClient: string;
}

/** Seconds that credentials of S3 last: what the object store gives at most (MINIO_STS_DURATION). */
const s3Seconds = 12 * 3600;

/** The one region of an Onyxia: its cluster, its servers, and what stands in for the internet. */
export function onyxiaRegion({ instance, region, stack }: Platform, servers: OnyxiaServers): OnyxiaRegion {
  const { exposure, internet, cluster } = region;
  const open = instance.posture === 'open';
  return {
    id: stack.name.replace('.', '-'),
    name: region.title,
    description: (instance.brand.tagline as Record<string, string>)[instance.languages[0]!]!,
    services: {
      singleNamespace: false,
      allowNamespaceCreation: open,
      userNamespace: true,
      namespacePrefix: userPrefix,
      groupNamespacePrefix: projectPrefix,
      usernamePrefix: rbacPrefix,
      groupPrefix: rbacPrefix,
      namespaceLabels: userNamespaceLabels(region),
      namespaceAnnotationsDynamic: { enabled: open, userAttributes: [] },
      authenticationMode: 'serviceAccount',
      quotas: open ? quotas(region.quotas) : { userEnabled: false, groupEnabled: false },
      expose: {
        domain: exposure.userDomain,
        ingress: true,
        ingressClassName: exposure.userIngress?.className ?? exposure.className,
        certManager: { useCertManager: true, certManagerClusterIssuer: exposure.clusterIssuer },
      },
      ...(cluster.apiServer.url ? { k8sPublicEndpoint: { URL: cluster.apiServer.url, oidcConfiguration: { clientID: servers.kubernetesClient } } } : {}),
    },
    data: { S3: s3(servers.s3) },
    ...(servers.vault
      ? {
          vault: {
            URL: servers.vault.url,
            kvEngine: 'onyxia-kv',
            role: 'onyxia-user',
            authPath: 'jwt',
            prefix: userPrefix,
            // The API puts the prefix of projects' namespaces behind it.
            groupPrefix: '',
            oidcConfiguration: { clientID: servers.vault.client },
          },
        }
      : {}),
    ...(internet === 'direct'
      ? {}
      : {
          proxyInjection: { httpProxyUrl: internet.proxy.http, httpsProxyUrl: internet.proxy.https, noProxy: internet.proxy.noProxy.join(',') },
          packageRepositoryInjection: { cranProxyUrl: internet.mirrors.cran, condaProxyUrl: internet.mirrors.conda, pypiProxyUrl: internet.mirrors.pypi },
          // Charts fetch the bundle from an https URL themselves.
          certificateAuthorityInjection: { cacerts: internet.caBundle },
        }),
  };
}

function quotas({ user, group }: { readonly user: Quota; readonly group: Quota }): OnyxiaQuotas {
  return { userEnabled: true, user, groupEnabled: true, group };
}

function s3({ url, signingRegion, client }: OnyxiaServers['s3']): OnyxiaS3 {
  const bookmark = (prefix: string, title: Localized | string, claimName: string) => ({ s3Uri: `s3://${prefix}$1/`, title, claimName, includedClaimPattern: '^(.+)$' });
  return {
    URL: url,
    region: signingRegion,
    pathStyleAccess: true,
    ...(client
      ? {
          sts: {
            durationSeconds: s3Seconds,
            role: { profileName: 'default', roleARN: '', roleSessionName: '' },
            oidcConfiguration: { clientID: client },
          },
        }
      : {}),
    bookmarks: [
      bookmark(userPrefix, { fr: 'Dépôt personnel', en: 'Personal bucket' }, 'preferred_username'),
      bookmark(projectPrefix, { fr: 'Projet $1', en: 'Project $1' }, 'groups'),
    ],
  };
}
