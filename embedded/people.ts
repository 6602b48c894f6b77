import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '../model/stack';
import { derive } from '../provision/secrets';
import { authorityOf, endpoints, injectedFor, loginOf, requireRunningRegion, seedOf, type Audience, type Injected } from './credentials';
import { callGateway } from './https';
import { accessTokenOf } from './login';
import type { RegionState } from './state';

/** Milliseconds after which no server takes a token of a second: Vault allows for clocks that differ by five seconds (constructs/vault-access.ts). */
const leeway = 7500;

/** The demo people of an embedded region, as those who verify it need them: with tokens that are good, too old, or of elsewhere. */
export class DemoPeople {
  private readonly tokens = new Map<string, Promise<string>>();

  private constructor(
    private readonly stack: Stack,
    private readonly state: RegionState,
    private readonly pulumi: string,
    private readonly seed: string,
  ) {}

  /** @throws UserError when the region does not run. */
  static async of(stack: Stack, state: RegionState, pulumi: string): Promise<DemoPeople> {
    requireRunningRegion(stack, state);
    return new DemoPeople(stack, state, pulumi, await seedOf(stack, state, pulumi));
  }

  /** Their token for one server, good for five minutes. @throws UserError when the realm refuses them. */
  token(username: string, audience: Audience): Promise<string> {
    const key = `${username} ${audience}`;
    const token = this.tokens.get(key) ?? accessTokenOf(loginOf(this.stack, username, this.state, this.seed, audience));
    this.tokens.set(key, token);
    return token;
  }

  injected(username: string): Promise<Injected> {
    return injectedFor(this.stack, username, this.state, this.pulumi);
  }

  /** A token for all servers whose time is over, of a client that exists only until it is there. */
  async expiredToken(username: string): Promise<string> {
    const clientId = `datalab-verify-${randomBytes(3).toString('hex')}`;
    const login = { ...loginOf(this.stack, username, this.state, this.seed), clientId, redirectUri: 'http://127.0.0.1/' };
    const mapper = (protocolMapper: string, name: string, config: Record<string, string>) => ({
      name, protocol: 'openid-connect', protocolMapper, config: { 'access.token.claim': 'true', ...config },
    });
    const audiences: Audience[] = ['minio', 'vault', 'kubernetes'];
    const id = await this.administer('POST', '/clients', {
      clientId,
      publicClient: true,
      standardFlowEnabled: true,
      redirectUris: [login.redirectUri],
      attributes: { 'access.token.lifespan': '1' },
      protocolMappers: [
        ...audiences.map((audience) => mapper('oidc-audience-mapper', audience, { 'included.custom.audience': audience })),
        mapper('oidc-usermodel-attribute-mapper', 'policy', { 'user.attribute': 'policy', 'claim.name': 'policy', 'jsonType.label': 'String', multivalued: 'true', 'aggregate.attrs': 'true' }),
      ],
    });
    const token = await accessTokenOf(login).finally(() => this.administer('DELETE', `/clients/${id}`));
    await sleep(leeway);
    return token;
  }

  /** A token of the realm of Keycloak's own administrators. */
  async otherRealmToken(): Promise<string> {
    const answer = await callGateway(`${this.keycloak()}/realms/master/protocol/openid-connect/token`, authorityOf(this.state), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: 'bootstrap-admin', password: derive(this.seed, 'keycloak/bootstrap-admin@v1') }).toString(),
    });
    if (answer.status !== 200) throw new Error(`Keycloak's bootstrap administrator cannot log in: ${answer.status}`);
    return (JSON.parse(answer.text) as { access_token: string }).access_token;
  }

  /** A call of the realm's administration; returns the id of what was made. */
  private async administer(method: string, path: string, body?: object): Promise<string> {
    const headers = { authorization: `Bearer ${await this.otherRealmToken()}`, 'content-type': 'application/json' };
    const url = `${this.keycloak()}/admin/realms/${this.stack.instance.realm}${path}`;
    const answer = await callGateway(url, authorityOf(this.state), { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return String(answer.headers.location ?? '').split('/').at(-1)!;
  }

  private keycloak(): string {
    return endpoints(this.stack).issuer.replace(/\/realms\/.*/, '');
  }
}
