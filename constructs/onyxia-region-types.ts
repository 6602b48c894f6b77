import type { Localized } from '../model/brand';

/**
 * A region as Onyxia's API 4.12.0 keeps it. The API drops keys that its own class does not have, without a word, before
 * the web application sees them; those keys cannot be written here. `data` alone goes through as it is.
 * Left out although the API keeps them, since they are unsafe: `includedGroupPattern`, `excludedGroupPattern` and
 * `transformGroupPattern` (they filter nothing, and a transformed name can be the raw name of another group: the realm names the declared
 * projects instead) and `services.server` (a password in the configuration).
 */
export interface OnyxiaRegion {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly services: OnyxiaServices;
  readonly data: { readonly S3: OnyxiaS3 };
  readonly vault?: OnyxiaVault;
  readonly proxyInjection?: { readonly httpProxyUrl: string; readonly httpsProxyUrl: string; readonly noProxy: string };
  readonly packageRepositoryInjection?: { readonly cranProxyUrl: string; readonly condaProxyUrl: string; readonly pypiProxyUrl: string };
  readonly certificateAuthorityInjection?: { readonly cacerts: string };
}

export interface OnyxiaServices {
  readonly singleNamespace: false;
  readonly allowNamespaceCreation: boolean;
  readonly userNamespace: true;
  readonly namespacePrefix: string;
  readonly groupNamespacePrefix: string;
  readonly usernamePrefix: string;
  readonly groupPrefix: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly namespaceAnnotationsDynamic: { readonly enabled: boolean; readonly userAttributes: readonly string[] };
  /** `impersonate` fails for projects, `tokenPassthrough` writes people's tokens to the log. */
  readonly authenticationMode: 'serviceAccount';
  readonly quotas: OnyxiaQuotas;
  readonly expose: {
    readonly domain: string;
    readonly ingress: true;
    readonly ingressClassName: string;
    readonly certManager: { readonly useCertManager: boolean; readonly certManagerClusterIssuer: string };
  };
  readonly k8sPublicEndpoint?: { readonly URL: string; readonly oidcConfiguration: OnyxiaClient };
}

export interface OnyxiaQuotas {
  readonly userEnabled: boolean;
  readonly user?: OnyxiaQuota;
  readonly groupEnabled: boolean;
  readonly group?: OnyxiaQuota;
}

/** The ten resources that the API knows. */
export type OnyxiaQuota = Readonly<
  Partial<
    Record<
      | 'requests.memory' | 'requests.cpu' | 'limits.memory' | 'limits.cpu' | 'requests.storage' | 'count/pods'
      | 'requests.ephemeral-storage' | 'limits.ephemeral-storage' | 'requests.nvidia.com/gpu' | 'limits.nvidia.com/gpu',
      string | number
    >
  >
>;

/** Spelt `clientID`: with `clientId` the API takes the global client. */
export interface OnyxiaClient {
  readonly clientID: string;
}

/** The S3 model of version 11. Without `sts` people enter keys of their own. */
export interface OnyxiaS3 {
  readonly URL: string;
  readonly region: string;
  readonly pathStyleAccess: true;
  readonly sts?: {
    /** Seconds, at most what the server gives: 12 h. */
    readonly durationSeconds: number;
    /** At least one, or the web application stops. MinIO takes the policies from the claim, so its ARN is empty. */
    readonly role: { readonly profileName: string; readonly roleARN: string; readonly roleSessionName: string };
    readonly oidcConfiguration: OnyxiaClient;
  };
  readonly bookmarks: readonly { readonly s3Uri: string; readonly title: Localized | string; readonly claimName: string; readonly includedClaimPattern: string }[];
}

export interface OnyxiaVault {
  readonly URL: string;
  readonly kvEngine: string;
  readonly role: string;
  readonly authPath: string;
  readonly prefix: string;
  readonly groupPrefix: string;
  readonly oidcConfiguration: OnyxiaClient;
}
