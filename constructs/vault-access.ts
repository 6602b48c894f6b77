import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { Platform } from './platform';
import { Provisioned, type Provisioner } from './provisioned';
import type { Identity, SecretPath, SecretStore } from './spi';
import { ownToken, roleOf, secretsBelow, vaultPolicy, type Paths } from './vault-policy';
import type { Workload } from './workload';

export interface VaultAccessProps {
  readonly provisioner: Provisioner;
  /** Vault's pods, with the port `http`. */
  readonly server: Workload;
  /** The realm whose people it trusts. */
  readonly identity: Identity;
}

/** Audience of all tokens that Vault accepts: of people and of workloads. */
export const vaultAudience = 'vault';

/** The auth method for workloads, which trusts the cluster's issuer. The bootstrap makes it, with the role of Pulumi. */
export const workloadsMount = 'workloads';

/** The auth method for people, and its only role. */
export const peopleMount = 'jwt';
export const peopleRole = 'onyxia-user';

/** Secrets of people and projects. */
export const peopleSecrets = 'onyxia-kv';

/** Secrets of the platform's own workloads. */
const platformSecrets = 'platform-kv';

/**
 * Who gets in and what they reach. A person: `onyxia-kv` below `user-<name>`. Members of a declared project: below
 * `projet-<project>`, as the claim `policy` of their token says, however many projects they have. A workload: what is granted
 * to it. Administrators of the datalab: nothing more than other people.
 * Onyxia keeps a person's settings below `<prefix><name>/.onyxia` and a project's below `<groupPrefix><groupNamespacePrefix><group>`:
 * its region has to say `user-`, no group prefix, and `projet-`.
 */
export class VaultAccess extends Construct implements SecretStore {
  private readonly platform: Platform;
  private readonly props: VaultAccessProps;
  /** Once the second audit device is there, all that follows is written down twice. */
  private readonly audited: Provisioned;
  private readonly granted = new Map<Workload, { readonly paths: Record<string, Paths[string]>; readonly role: Provisioned }>();
  private secrets: Provisioned | undefined;

  constructor(scope: Construct, id: string, props: VaultAccessProps) {
    super(scope, id);
    this.platform = Platform.of(this);
    this.props = props;
    this.audited = this.auditDevices();
    this.engine(peopleSecrets);
    this.people();
    // Only pages of this origin may call Vault.
    this.provision('generic/endpoint:Endpoint', 'cors', {
      path: 'sys/config/cors',
      dataJson: JSON.stringify({ allowed_origins: [this.platform.url(this.platform.region.exposure.domain)], enabled: true }),
      ignoreAbsentFields: true,
    });
  }

  secretPath(name: string): SecretPath {
    this.secrets ??= this.engine(platformSecrets);
    return {
      grantRead: (workload) => this.grant(workload, secretsBelow(platformSecrets, name, 'read')),
      grantReadWrite: (workload) => this.grant(workload, secretsBelow(platformSecrets, name, 'read-write')),
    };
  }

  /**
   * Vault does nothing that it cannot write to one of its devices; so the full disk of one does not stop it. The second waits
   * for the first, and all else for both: while a device is enabled, Vault answers 500 to other requests that it carried out.
   */
  private auditDevices(): Provisioned {
    const device = (name: string, path: string) =>
      new Provisioned(this, { provisioner: this.props.provisioner, type: 'index/audit:Audit', name, inputs: { path: name, type: 'file', options: { file_path: path } } });
    const [file, stdout] = [device('file', '/vault/audit/audit.log'), device('stdout', 'stdout')];
    stdout.node.addDependency(file);
    return stdout;
  }

  /** It keeps ten versions of each secret, Vault's default. */
  private engine(path: string): Provisioned {
    return this.provision('index/mount:Mount', path, { path, type: 'kv', options: { version: '2' } }, true);
  }

  private people(): void {
    const { identity, server } = this.props;
    const { instance } = this.platform;
    const method = this.provision('jwt/authBackend:AuthBackend', peopleMount, {
      path: peopleMount,
      type: 'jwt',
      // Not its discovery document: that names the public address, which pods do not reach.
      jwksUrl: identity.grantKeys(server),
      boundIssuer: identity.issuer,
      jwtSupportedAlgs: ['RS256'],
      defaultRole: peopleRole,
    });
    this.provision('jwt/authBackendRole:AuthBackendRole', peopleRole, {
      backend: method.output('id'),
      roleName: peopleRole,
      roleType: 'jwt',
      boundAudiences: [vaultAudience],
      userClaim: 'preferred_username',
      // Everybody has the claim: who is in no project has `person`, which is no group here.
      groupsClaim: 'policy',
      // Else Vault takes a token for a minute after its end.
      clockSkewLeeway: 5,
      tokenTtl: 3600,
      // No longer than a session of the realm.
      tokenMaxTtl: instance.posture === 'confidential' ? 10 * 3600 : 12 * 3600,
      tokenNoDefaultPolicy: true,
      tokenPolicies: ['person'],
    });
    this.policy('person', { ...secretsBelow(peopleSecrets, `user-{{identity.entity.aliases.${method.output('accessor')}.name}}`, 'read-write'), ...ownToken });
    for (const { name } of instance.projects) {
      this.policy(`project-${name}`, secretsBelow(peopleSecrets, `projet-${name}`, 'read-write'));
      const group = this.provision('identity/group:Group', name, { name, type: 'external', policies: [`project-${name}`] });
      this.provision('identity/groupAlias:GroupAlias', name, { name: `project-${name}`, mountAccessor: method.output('accessor'), canonicalId: group.output('id') });
    }
  }

  /** What a workload needs to log in with its own token: Vault's address, role, auth method and the token's file. */
  private grant(workload: Workload, paths: Paths): void {
    const { server } = this.props;
    const { paths: all } = this.granted.get(workload) ?? this.login(workload);
    Object.assign(all, paths);
    workload.connectTo(server, 'http', 'its secrets');
    workload.addEnv('VAULT_ADDR', `http://${server.host}:${server.port('http')}`);
    workload.addEnv('VAULT_AUTH_PATH', workloadsMount);
    workload.addEnv('VAULT_ROLE', roleOf(workload));
    workload.addEnv('VAULT_JWT_FILE', workload.addToken(vaultAudience));
  }

  private login(workload: Workload) {
    const name = roleOf(workload);
    const paths: Record<string, Paths[string]> = { ...ownToken };
    this.policy(name, paths);
    const role = this.provision('jwt/authBackendRole:AuthBackendRole', name, {
      backend: workloadsMount,
      roleName: name,
      roleType: 'jwt',
      boundAudiences: [vaultAudience],
      boundSubject: `system:serviceaccount:${workload.namespace}:${workload.serviceAccount}`,
      userClaim: 'sub',
      tokenTtl: 3600,
      tokenMaxTtl: 12 * 3600,
      tokenNoDefaultPolicy: true,
      tokenPolicies: [name],
    });
    workload.deployed.node.addDependency(role, this.secrets!);
    const login = { paths, role };
    this.granted.set(workload, login);
    return login;
  }

  private policy(name: string, paths: Paths): Provisioned {
    return this.provision('index/policy:Policy', name, { name, policy: Lazy.any({ produce: () => vaultPolicy(paths) }) });
  }

  private provision(type: string, name: string, inputs: Record<string, unknown>, stateful = false): Provisioned {
    const made = new Provisioned(this, { provisioner: this.props.provisioner, type, name, inputs, stateful });
    made.node.addDependency(this.audited);
    return made;
  }
}
