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
  private readonly owners = new Map<string, Workload>();

  constructor(scope: Construct, id: string) {
    super(scope, id, { stateful: true });
    this.superuser = new SecretObject(this, 'superuser', this.namespace, {
      password: new DerivedSecret('postgresql/superuser').token,
    });
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
      secretFiles: { '/run/superuser': this.superuser.key('password') },
    });
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
    const password = new DerivedSecret(`${name}/database`);
    const version = password.label.split('@')[1]!;
    const role = new SecretObject(this, `role-${name}`, this.namespace, { password: password.token });
    new k8s.KubeConfigMap(this, `database-${name}`, {
      metadata: { name: `database-${name}`, namespace: this.namespace },
      data: { 'database.sql': createDatabase },
    });
    const job = new Workload(this, `database-${name}-${version}`, {
      kind: 'Job',
      image: images.postgresql,
      command: ['psql', '--no-psqlrc', '--set=ON_ERROR_STOP=1', `--set=name=${name}`, '--file=/database/database.sql'],
      env: {
        PGHOST: this.server.host,
        PGUSER: 'postgres',
        PGPASSWORD: this.superuser.key('password'),
        ROLE_PASSWORD: role.key('password'),
      },
      configFiles: { '/database': { configMap: `database-${name}` } },
      cpu: '50m',
      memory: '128Mi',
      user: postgresUser,
    });
    job.connectTo(this.server, 'postgresql', `makes the database ${name} and its owner`);
    workload.connectTo(this.server, 'postgresql', `its database ${name}`);
    workload.startAfter(job);
    const consumer = new SecretObject(workload, 'database', workload.namespace, { password: password.token });
    return { host: this.server.host, port: 5432, database: name, user: name, password: consumer.key('password') };
  }
}

/** Makes role and database or brings them up to date; may run any number of times. */
const createDatabase = `\\getenv password ROLE_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', :'name')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \\gexec
ALTER ROLE :"name" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
`;
