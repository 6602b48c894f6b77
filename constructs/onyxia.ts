import { createHash } from 'node:crypto';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { catalogsOf } from '../catalogs/catalog';
import { schemaOverrides } from '../catalogs/schemas';
import { images } from './images';
import { onyxiaAccount, onyxiaAudience } from './onyxia-names';
import { OnyxiaAdmission } from './onyxia-admission';
import { OnyxiaOnboarding } from './onyxia-onboarding';
import { onyxiaRegion, type OnyxiaServers } from './onyxia-region';
import { webAssets, webEnv } from './onyxia-web';
import type { Identity, Routes } from './spi';
import { System } from './system';
import { Workload, type ConfigFiles } from './workload';

export interface OnyxiaProps {
  readonly routes: Routes;
  readonly identity: Identity;
  /** The object store as people reach it. @default people enter the keys of an S3 service of their own choice */
  readonly s3: OnyxiaServers['s3'];
  /** @default none: preferences stay in the browser */
  readonly vault?: OnyxiaServers['vault'];
  /** Client of tokens for the cluster's API server. */
  readonly kubernetesClient: string;
}

/** Folder of the schema overrides, as the chart of Onyxia names it. */
const schemaFolder = '/schemas/default/';

/** Folder whose files are properties: the file `regions` is the property `regions`. */
const properties = '/etc/onyxia';

/**
 * Onyxia's portal: the web application at the instance's domain and its API below `/api`. Nothing secret is in its
 * configuration. Regions and catalogs are files, since the API fills in `${…}` in its environment.
 * What the API may do in the cluster: docs/adr/0014-onyxia-api-rights.md.
 */
export class Onyxia extends System {
  readonly api: Workload;
  readonly web: Workload;
  override readonly url: string;

  constructor(scope: Construct, id: string, props: OnyxiaProps) {
    super(scope, id);
    const { platform } = this;
    const { instance, region } = platform;
    const host = region.exposure.domain;
    const portal = platform.url(host);
    const client = props.identity.client('onyxia', { redirectUris: [`${portal}/`], audiences: [onyxiaAudience], policyClaim: false });

    const settings = {
      regions: JSON.stringify([onyxiaRegion(platform, props)]),
      catalogs: JSON.stringify(catalogsOf(instance, region)),
    };
    const schemas = Object.entries(schemaOverrides(instance, region)).map(([path, schema]) => ({ path, key: path.replace('/', '.'), text: JSON.stringify(schema) }));
    this.configMap('api', settings);
    this.configMap('schemas', Object.fromEntries(schemas.map(({ key, text }) => [key, text])));
    this.configMap('brand', { 'logo.svg': platform.stack.logo });
    const replicas = platform.sized({ small: 1, standard: 2, ha: 2 });

    this.api = new Workload(this, onyxiaAccount.name, {
      kind: 'Deployment',
      image: images.onyxiaApi,
      env: {
        SPRING_CONFIG_IMPORT: `optional:configtree:${properties}/`,
        // It reads its files once: a change of them replaces the pods.
        CONFIGURATION_SHA256: createHash('sha256').update(JSON.stringify([settings, schemas])).digest('hex'),
        'server.servlet.context-path': '/api',
        'authentication.mode': 'openidconnect',
        'oidc.issuer-uri': props.identity.issuer,
        'oidc.clientID': client.clientId,
        'oidc.audience': onyxiaAudience,
        'oidc.username-claim': 'preferred_username',
        'oidc.groups-claim': 'groups',
        'security.cors.allowed_origins': portal,
        'admin.enabled': 'false',
        'external.schema.directory': schemaFolder,
      },
      ports: { http: 8080 },
      // Not /public/healthcheck, which fails until every catalog has been read: a remote one would keep the pods restarting.
      ready: { path: '/api/public/ip', port: 'http' },
      live: { path: '/api/public/ip', port: 'http' },
      startSeconds: 180,
      cpu: platform.sized({ small: '100m', standard: '500m', ha: '1' }),
      memory: '1Gi',
      replicas,
      user: 101,
      apiAccess: true,
      // The entrypoint adds the site's authorities to Java's own store, and Helm keeps its cache in the home directory.
      writableRoot: true,
      configFiles: {
        [properties]: { configMap: 'api' },
        ...Object.fromEntries(schemas.map(({ path, key }): [string, ConfigFiles] => [`${schemaFolder}${path}`, { configMap: 'schemas', file: key }])),
        // Made by the site (trust-manager, or the operator): the authorities that signed the realm's and the mirror's certificates.
        ...(region.internet === 'direct' ? {} : { '/usr/local/share/ca-certificates': { configMap: 'site-authorities', optional: true } }),
      },
    });
    this.web = new Workload(this, 'onyxia-web', {
      kind: 'Deployment',
      image: images.onyxiaWeb,
      env: webEnv(platform),
      ports: { http: 8080 },
      ready: { path: '/', port: 'http' },
      live: { path: '/', port: 'http' },
      cpu: '50m',
      memory: '256Mi',
      replicas,
      user: 101,
      // The entrypoint writes the page with the environment in it.
      writableRoot: true,
      configFiles: { [`${webAssets}/logo.svg`]: { configMap: 'brand', file: 'logo.svg' } },
    });
    const { network } = platform;
    network.connect(this.api, network.gateway, region.exposure.port, 'keys of the realm at its public address');
    network.connect(this.api, network.internet, 443, 'charts of the catalogs');
    this.url = props.routes.route({ host, workload: this.web, port: 'http', others: [{ workload: this.api, port: 'http', paths: ['/api'] }] });

    new OnyxiaAdmission(this, 'admission');
    if (instance.posture === 'open') new OnyxiaOnboarding(this, 'onboarding');
  }

  private configMap(name: string, data: Record<string, string>): void {
    new k8s.KubeConfigMap(this, `${name}-files`, { metadata: { name, namespace: this.namespace }, data });
  }
}
