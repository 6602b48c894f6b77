import { Construct } from 'constructs';
import type { Keycloak } from './keycloak';
import { Provisioned } from './provisioned';
import { DerivedSecret } from './secrets';
import type { Client, ClientProps, Identity } from './spi';
import type { Workload } from './workload';

/** The group that everybody joins by default. Its policy confines each person to a bucket of their own. */
const everybody = 'datalab-users';

/** Those who run the datalab: they see which buckets there are, and nobody's data. */
const administrators = 'datalab-admins';

/** Names that can be part of a bucket, a namespace and a Vault path as they are, and that no policy reads as a pattern. */
const usernamePattern = '^[a-z][a-z0-9]{0,30}$';

/**
 * The realm of an instance's people: brand, languages, groups and what tokens say of them.
 * The claim `policy` names the S3 policies of a person. It comes from the attribute `policy` of their groups alone: each
 * declared project's group has one, undeclared groups have none, and people cannot edit it. So does the claim `groups`, from
 * the attribute `project`: the names of the declared projects, whatever the directory calls their groups.
 */
export class Realm extends Construct implements Identity {
  readonly realm: Provisioned;
  /** The `iss` of its tokens. */
  readonly issuer: string;
  private readonly keycloak: Keycloak;
  private readonly profile: Provisioned;
  private readonly people: Provisioned[] = [];

  constructor(keycloak: Keycloak, id: string) {
    super(keycloak, id);
    this.keycloak = keycloak;
    const { instance, region } = keycloak.platform;
    const { brand, languages } = instance;
    this.issuer = `${keycloak.url}/realms/${instance.realm}`;
    this.realm = this.provision('index/realm:Realm', instance.realm, {
      realm: instance.realm,
      displayName: brand.name,
      loginTheme: 'datalab',
      sslRequired: 'all',
      registrationAllowed: false,
      resetPasswordAllowed: false,
      editUsernameAllowed: false,
      accessTokenLifespan: '5m',
      ssoSessionIdleTimeout: instance.posture === 'confidential' ? '30m' : '12h',
      ssoSessionMaxLifespan: instance.posture === 'confidential' ? '10h' : '72h',
      internationalization: { supportedLocales: [...languages], defaultLocale: languages[0] },
      securityDefenses: { bruteForceDetection: { maxLoginFailures: 10, waitIncrementSeconds: 60, maxFailureWaitSeconds: 900 } },
    }, true);
    this.profile = this.provision('index/realmUserProfile:RealmUserProfile', 'profile', {
      realmId: this.realm.output('id'),
      // Else people could give themselves the attribute `policy`.
      unmanagedAttributePolicy: 'DISABLED',
      attributes: [
        profileAttribute('username', [{ name: 'pattern', config: { pattern: usernamePattern, 'error-message': 'lower-case letters and digits' } }]),
        profileAttribute('email', [{ name: 'email' }]),
        profileAttribute('firstName', []),
        profileAttribute('lastName', []),
      ],
    });
    const users = this.group(everybody, everybody, { policy: 'person' });
    this.provision('index/defaultGroups:DefaultGroups', 'default', { realmId: this.realm.output('id'), groupIds: [users.output('id')] });
    const admins = this.group(administrators, administrators, { policy: 'administration' });
    const projects = new Map(instance.projects.map((project) => [project.name, this.group(project.name, project.group, { policy: `project-${project.name}`, project: project.name })]));
    if (region.cluster.access !== 'embedded') return;
    this.demoPeople();
    const people = Object.entries(region.demoUsers);
    this.members(everybody, users, people.map(([name]) => name));
    this.members(administrators, admins, people.flatMap(([name, { admin }]) => (admin ? [name] : [])));
    for (const [project, group] of projects) this.members(project, group, people.flatMap(([name, person]) => (person.projects.includes(project) ? [name] : [])));
  }

  grantDiscovery(workload: Workload): string {
    return `${this.inside(workload)}/.well-known/openid-configuration`;
  }

  grantKeys(workload: Workload): string {
    return `${this.inside(workload)}/protocol/openid-connect/certs`;
  }

  client(name: string, props: ClientProps): Client {
    const client = this.provision('openid/client:Client', name, {
      realmId: this.realm.output('id'),
      clientId: name,
      name,
      accessType: 'PUBLIC',
      standardFlowEnabled: true,
      pkceCodeChallengeMethod: 'S256',
      directAccessGrantsEnabled: false,
      implicitFlowEnabled: false,
      fullScopeAllowed: false,
      validRedirectUris: [...props.redirectUris],
      validPostLogoutRedirectUris: [...props.redirectUris],
      webOrigins: [...new Set(props.redirectUris.map((uri) => new URL(uri).origin))],
    });
    const mapper = (type: string, mapperName: string, inputs: Record<string, unknown>) =>
      this.provision(`openid/${type[0]!.toLowerCase()}${type.slice(1)}:${type}`, `${name}-${mapperName}`, {
        realmId: this.realm.output('id'),
        clientId: client.output('id'),
        name: mapperName,
        addToIdToken: true,
        addToAccessToken: true,
        ...inputs,
      });
    mapper('UserAttributeProtocolMapper', 'groups', { userAttribute: 'project', claimName: 'groups', claimValueType: 'String', multivalued: true, aggregateAttributes: true });
    for (const audience of props.audiences) mapper('AudienceProtocolMapper', `audience-${audience}`, { includedCustomAudience: audience, addToIdToken: false });
    if (props.policyClaim) {
      mapper('UserAttributeProtocolMapper', 'policy', { userAttribute: 'policy', claimName: 'policy', claimValueType: 'String', multivalued: true, aggregateAttributes: true });
    }
    return { clientId: name };
  }

  /** Lets the pods of `workload` reach the realm, which is there before they are. Returns its URL inside the cluster. */
  private inside(workload: Workload): string {
    const { server, platform } = this.keycloak;
    workload.connectTo(server, 'http', 'keys of the realm');
    workload.deployed.node.addDependency(this.realm);
    return `http://${server.host}:${server.port('http')}/realms/${platform.instance.realm}`;
  }

  private group(name: string, group: string, attributes: Readonly<Record<string, string>>): Provisioned {
    return this.provision('index/group:Group', name, { realmId: this.realm.output('id'), name: group, attributes });
  }

  /** People to try the embedded region with. */
  private demoPeople(): void {
    for (const username of Object.keys(this.keycloak.platform.region.demoUsers)) {
      const password = new DerivedSecret(this, `keycloak/demo-${username}`);
      const person = this.provision('index/user:User', username, {
        realmId: this.realm.output('id'),
        username,
        enabled: true,
        email: `${username}@example.org`,
        emailVerified: true,
        firstName: username,
        lastName: 'Demo',
        initialPassword: { value: password.token, temporary: false },
      });
      // It says which attributes people have; the others are not kept.
      person.node.addDependency(this.profile);
      this.people.push(person);
      this.keycloak.rotatePassword(this.keycloak.platform.instance.realm, person, username, password);
    }
  }

  private members(name: string, group: Provisioned, members: readonly string[]): void {
    const memberships = this.provision('index/groupMemberships:GroupMemberships', name, {
      realmId: this.realm.output('id'),
      groupId: group.output('id'),
      members: [...members],
    });
    for (const person of this.people) memberships.node.addDependency(person);
  }

  private provision(type: string, name: string, inputs: Record<string, unknown>, stateful = false): Provisioned {
    return new Provisioned(this, { provisioner: this.keycloak.provisioner, type, name, inputs, stateful });
  }
}

/** People see their attributes; only administrators change them. */
function profileAttribute(name: string, validators: readonly { name: string; config?: Record<string, string> }[]) {
  return { name, permissions: { views: ['admin', 'user'], edits: ['admin'] }, validators };
}
