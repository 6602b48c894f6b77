import type { Construct } from 'constructs';
import { images } from './images';
import { setPassword } from './keycloak-password';
import { KeycloakTheme, themeItems } from './keycloak-theme';
import { Provisioner, type Provisioned } from './provisioned';
import { DerivedSecret, SecretObject } from './secrets';
import type { Routes, SqlDatabase } from './spi';
import { System } from './system';
import { Workload } from './workload';

export interface KeycloakProps {
  readonly database: SqlDatabase;
  readonly routes: Routes;
}

/**
 * Keycloak in production mode on PostgreSQL. From outside only realms, their resources and the admin
 * REST interface are reachable: the admin console, health and metrics are not.
 */
export class Keycloak extends System {
  readonly server: Workload;
  override readonly url: string;
  /** How realms, clients and groups are made on it. */
  readonly provisioner: Provisioner;
  private readonly administrator: DerivedSecret;

  constructor(scope: Construct, id: string, props: KeycloakProps) {
    super(scope, id);
    const replicas = this.platform.sized({ small: 1, standard: 2, ha: 3 });
    this.administrator = new DerivedSecret(this, 'keycloak/bootstrap-admin');
    const admin = new SecretObject(this, 'bootstrap-admin', this.namespace, { username: 'bootstrap-admin', password: this.administrator.token });
    const host = this.platform.host('identity', 'auth');
    const theme = new KeycloakTheme(this, 'theme', this.namespace, this.platform.stack);
    this.server = new Workload(this, 'keycloak', {
      kind: 'StatefulSet',
      image: images.keycloak,
      args: ['start'],
      env: {
        KC_BOOTSTRAP_ADMIN_USERNAME: admin.key('username'),
        KC_BOOTSTRAP_ADMIN_PASSWORD: admin.keyReadOnce('password'),
        KC_HOSTNAME: this.platform.url(host),
        // Servers of the platform read the realm's keys inside the cluster; the issuer stays the public one.
        KC_HOSTNAME_BACKCHANNEL_DYNAMIC: 'true',
        KC_HTTP_ENABLED: 'true',
        KC_PROXY_HEADERS: 'xforwarded',
        KC_HEALTH_ENABLED: 'true',
        KC_METRICS_ENABLED: 'true',
        KC_DB: 'postgres',
        ...(replicas > 1 ? { KC_CACHE: 'ispn', KC_CACHE_STACK: 'jdbc-ping' } : { KC_CACHE: 'local' }),
      },
      ports: { http: 8080, management: 9000, ...(replicas > 1 ? { jgroups: 7800, 'jgroups-fd': 57800 } : {}) },
      ready: { path: '/health/ready', port: 'management' },
      live: { path: '/health/live', port: 'management' },
      startSeconds: 300,
      cpu: this.platform.sized({ small: '500m', standard: '1', ha: '2' }),
      memory: this.platform.sized({ small: '1Gi', standard: '2Gi', ha: '2Gi' }),
      replicas,
      user: 1000,
      // `start` without a pre-built image writes its build below /opt/keycloak/lib.
      writableRoot: true,
      configFiles: { '/opt/keycloak/themes/datalab': { configMap: theme.name, items: themeItems } },
    });
    if (replicas > 1) {
      this.server.connectTo(this.server, 'jgroups', 'cache of its own cluster');
      this.server.connectTo(this.server, 'jgroups-fd', 'failure detection of its own cluster');
    }
    const database = props.database.database('keycloak').grantOwner(this.server);
    this.server.addEnv('KC_DB_URL', `jdbc:postgresql://${database.host}:${database.port}/${database.database}`);
    this.server.addEnv('KC_DB_USERNAME', database.user);
    this.server.addEnv('KC_DB_PASSWORD', database.password);
    this.url = props.routes.route({ host, workload: this.server, port: 'http', paths: ['/realms/', '/resources/', '/admin/realms', '/admin/serverinfo'] });
    this.provisioner = new Provisioner(this, 'provisioner', {
      package: 'keycloak',
      workload: this.server,
      config: {
        url: this.url,
        clientId: 'admin-cli',
        username: 'bootstrap-admin',
        password: this.administrator.token,
        initialLogin: 'false',
      },
    });
    if (this.administrator.earlierTokens.length) {
      const job = setPassword(this, this.server, { realm: 'master', username: 'bootstrap-admin', password: this.administrator, administrator: this.administrator });
      this.provisioner.node.addDependency(job.deployed);
    }
  }

  /** Has a rotated password of a person set, who must be there before: Keycloak reads it only when it makes the person. */
  rotatePassword(realm: string, person: Provisioned, username: string, password: DerivedSecret): void {
    if (!password.earlierTokens.length) return;
    const job = setPassword(this, this.server, { realm, username, password, administrator: this.administrator });
    job.deployed.node.addDependency(person);
  }
}
