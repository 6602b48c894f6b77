import type { OnyxiaCatalog } from '../../catalogs/catalog';
import type { OnyxiaClient, OnyxiaQuota, OnyxiaRegion, OnyxiaServices } from '../../constructs/onyxia-region-types';

/**
 * Keys that Onyxia's API 4.12.0 drops without a word, or that stop it, found by running it: none can be written.
 * `npm run typecheck` is the test: an expected error that does not come is an error.
 */
type Proxy = NonNullable<OnyxiaRegion['proxyInjection']>;
type Authorities = NonNullable<OnyxiaRegion['certificateAuthorityInjection']>;
type Packages = NonNullable<OnyxiaRegion['packageRepositoryInjection']>;

export const region: readonly Partial<OnyxiaRegion>[] = [
  // @ts-expect-error dropped
  { location: { lat: 48, long: 2 } },
  // @ts-expect-error dropped
  { auth: { type: 'openidconnect' } },
  // @ts-expect-error filters nothing, and its names may collide
  { includedGroupPattern: '(.*)_LS3$' },
  // @ts-expect-error has no effect
  { excludedGroupPattern: '.*' },
  // @ts-expect-error a transformed name can be the raw name of another group
  { transformGroupPattern: '$1-k8s' },
];

export const services: readonly Partial<OnyxiaServices>[] = [
  // @ts-expect-error stops the API
  { defaultConfiguration: {} },
  // @ts-expect-error dropped
  { type: 'KUBERNETES' },
  // @ts-expect-error dropped
  { initScript: 'https://git.example.org/init.sh' },
  // @ts-expect-error dropped
  { customInitScript: {} },
  // @ts-expect-error dropped
  { customValues: {} },
  // @ts-expect-error dropped
  { openshiftSCC: { enabled: true } },
  // @ts-expect-error dropped
  { gateways: [] },
  // @ts-expect-error dropped
  { cloudshell: {} },
  // @ts-expect-error a password in the configuration
  { server: { URL: 'https://k8s.example.org', auth: { token: 'x' } } },
  // @ts-expect-error dropped
  { expose: { domain: 'user.example.org', ingress: true, ingressClassName: 'nginx', certManager: { useCertManager: true, certManagerClusterIssuer: 'ca' }, httpRoute: true } },
  // @ts-expect-error dropped: userEnabled and groupEnabled are read
  { quotas: { userEnabled: true, groupEnabled: false, enabled: true } },
  // @ts-expect-error dropped: user and group are read
  { quotas: { userEnabled: true, groupEnabled: false, default: {} } },
  // @ts-expect-error stops the API
  { authenticationMode: 'none' },
  // @ts-expect-error people's tokens would be logged
  { authenticationMode: 'tokenPassthrough' },
];

export const quota: readonly OnyxiaQuota[] = [
  // @ts-expect-error dropped
  { 'requests.nvidia.com/mig-1g.10gb': 1 },
  // @ts-expect-error dropped
  { persistentvolumeclaims: 5 },
  // @ts-expect-error dropped
  { pods: 5 },
];

export const others: readonly [Partial<OnyxiaClient>, Partial<Proxy>, Partial<Packages>, Partial<Packages>, Partial<Authorities>, Partial<OnyxiaCatalog>, Partial<OnyxiaCatalog>] = [
  // @ts-expect-error dropped: it is spelt clientID
  { clientId: 'onyxia-minio' },
  // @ts-expect-error dropped
  { enabled: true },
  // @ts-expect-error dropped
  { mavenProxyUrl: 'https://maven.example.org' },
  // @ts-expect-error dropped
  { npmProxyUrl: 'https://npm.example.org' },
  // @ts-expect-error dropped
  { enabled: true },
  // @ts-expect-error logged in clear
  { password: 'x' },
  // @ts-expect-error certificates are checked
  { skipTlsVerify: true },
];
