import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { images } from './images';
import { DerivedSecret, SecretObject } from './secrets';
import type { Database, DatabaseConnection, SqlDatabase } from './spi';
import { System } from './system';
import { Workload } from './workload';

/** User of the official image. */
const postgresUser = 999;

/**
 * PostgreSQL as one pod with one volume: no failover. CloudNativePG will take its place in sizes `standard` and `ha`.
 * The superuser's password stays in this namespace; each consumer owns one database with a role of its own.
 */
export class Postgresql extends System implements SqlDatabase {
  readonly server: Workload;
  private readonly superuser: SecretObject;
  private readonly rotation: Workload | undefined;
  private readonly owners = new Map<string, Workload>();

  constructor(scope: Construct, id: string) {
    super(scope, id, { stateful: true });
    const password = new DerivedSecret(this, 'postgresql/superuser');
    this.superuser = new SecretObject(this, 'superuser', this.namespace, { password: password.token });
    this.server = new Workload(this, 'postgresql', {
      kind: 'StatefulSet',
      image: images.postgresql,
      env: {
        POSTGRES_PASSWORD_FILE: '/run/superuser/password',
        POSTGRES_INITDB_ARGS: '--auth-host=scram-sha-256 --auth-local=scram-sha-256 --data-checksums',
        PGDATA: '/var/lib/postgresql/data/pgdata',
      },
      ports: { postgresql: 5432 },
      ready: { command: ['pg_isready', '--host=localhost', '--username=postgres'] },
      live: { command: ['pg_isready', '--host=localhost', '--username=postgres'] },
      cpu: this.platform.sized({ small: '250m', standard: '1', ha: '2' }),
      memory: this.platform.sized({ small: '512Mi', standard: '2Gi', ha: '8Gi' }),
      user: postgresUser,
      claims: {
        data: {
          mountPath: '/var/lib/postgresql/data',
          size: this.platform.sized({ small: '10Gi', standard: '50Gi', ha: '200Gi' }),
          storageClass: this.platform.storageClass('database'),
        },
      },
      scratch: ['/var/run/postgresql', '/tmp'],
      secretFiles: { '/run/superuser': this.superuser.keyReadOnce('password') },
    });
    if (password.earlierTokens.length) this.rotation = this.rotate(password);
  }

  database(name: string): Database {
    return {
      grantOwner: (workload) => {
        const owner = this.owners.get(name);
        if (owner) throw new Error(`database '${name}' has an owner already: ${owner.peerName}`);
        this.owners.set(name, workload);
        return this.grant(name, workload);
      },
    };
  }

  private grant(name: string, workload: Workload): DatabaseConnection {
    const password = new DerivedSecret(this, `${name}/database`);
    const role = new SecretObject(this, `role-${name}`, this.namespace, { password: password.token });
    new k8s.KubeConfigMap(this, `database-${name}`, {
      metadata: { name: `database-${name}`, namespace: this.namespace },
      data: { 'database.sql': createDatabase },
    });
    const job = new Workload(this, `database-${name}-${password.version}`, {
      kind: 'Job',
      image: images.postgresql,
      command: ['psql', '--no-psqlrc', '--set=ON_ERROR_STOP=1', `--set=name=${name}`, '--file=/database/database.sql'],
      env: {
        PGHOST: this.server.host,
        PGUSER: 'postgres',
        PGPASSWORD: this.superuser.keyReadOnce('password'),
        ROLE_PASSWORD: role.key('password'),
      },
      configFiles: { '/database': { configMap: `database-${name}` } },
      cpu: '50m',
      memory: '128Mi',
      user: postgresUser,
    });
    job.connectTo(this.server, 'postgresql', `makes the database ${name} and its owner`);
    if (this.rotation) job.startAfter(this.rotation);
    workload.connectTo(this.server, 'postgresql', `its database ${name}`);
    workload.startAfter(job);
    const consumer = new SecretObject(workload, 'database', workload.namespace, { password: password.token });
    // A pod that restarts while the role is being told finds the password that the role has.
    consumer.node.addDependency(job.deployed);
    return { host: this.server.host, port: 5432, database: name, user: name, password: consumer.key('password') };
  }

  /** Tells the server of the superuser's new password, with the one it had: the image reads it once, when it makes the data. */
  private rotate(password: DerivedSecret): Workload {
    const earlier = new SecretObject(this, 'superuser-earlier', this.namespace, { passwords: password.earlierTokens.join(' ') });
    new k8s.KubeConfigMap(this, 'superuser-script', {
      metadata: { name: 'superuser', namespace: this.namespace },
      data: { 'superuser.sh': setSuperuserPassword },
    });
    const job = new Workload(this, `superuser-${password.version}`, {
      kind: 'Job',
      image: images.postgresql,
      command: ['sh', '/superuser/superuser.sh'],
      env: { PGHOST: this.server.host, PGUSER: 'postgres', PASSWORD: this.superuser.key('password'), EARLIER: earlier.keyReadOnce('passwords') },
      configFiles: { '/superuser': { configMap: 'superuser' } },
      cpu: '50m',
      memory: '128Mi',
      user: postgresUser,
    });
    job.connectTo(this.server, 'postgresql', 'sets the password of the superuser');
    return job;
  }
}

/** May run any number of times: the password is tried first, then those before it. */
const setSuperuserPassword = `set -eu
opens() { PGPASSWORD=$1 psql --no-psqlrc --quiet --command=SELECT; }
if opens "$PASSWORD"; then exit; fi
for earlier in $EARLIER; do
  if opens "$earlier"; then
    printf '%s\\n' '\\getenv password PASSWORD' "ALTER ROLE postgres PASSWORD :'password'" | PGPASSWORD=$earlier psql --no-psqlrc --set=ON_ERROR_STOP=1
    opens "$PASSWORD"
    exit
  fi
done
echo 'The superuser has neither this password nor an earlier one: did someone change it by hand?' >&2
exit 1
`;

/** Makes role and database or brings them up to date; may run any number of times. */
const createDatabase = `\\getenv password ROLE_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', :'name')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \\gexec
ALTER ROLE :"name" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
`;
