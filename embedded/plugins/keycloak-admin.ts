import { send, type Agents, type Answer } from './provider-http';

/** How the program's provider says to log in. */
export interface KeycloakLogin {
  readonly url: string;
  /** The realm of the user. */
  readonly realm: string;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

/** Keycloak's answer to a request that it refused. */
export class KeycloakError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Steps of a path below /admin, e.g. `['realms', 'datalab', 'clients']`. */
export type AdminPath = readonly string[];

const leewaySeconds = 10;

/** Keycloak's admin REST interface. Logs in at the first request. */
export class KeycloakAdmin {
  private token: Promise<{ value: string; usableUntil: number }> | undefined;

  constructor(
    private readonly login: () => KeycloakLogin,
    private readonly agents: Agents,
  ) {}

  /** Undefined when Keycloak says that there is no such object. */
  async get(path: AdminPath, query: Record<string, string> = {}): Promise<any | undefined> {
    const answer = await this.ask('GET', path, query);
    if (isGone(answer)) return undefined;
    return JSON.parse(checked(answer).text);
  }

  async post(path: AdminPath, body: unknown): Promise<void> {
    checked(await this.ask('POST', path, {}, body));
  }

  async put(path: AdminPath, body?: unknown): Promise<void> {
    checked(await this.ask('PUT', path, {}, body));
  }

  /** What is gone already counts as deleted. */
  async delete(path: AdminPath, body?: unknown): Promise<void> {
    const answer = await this.ask('DELETE', path, {}, body);
    if (!isGone(answer)) checked(answer);
  }

  private async ask(method: string, path: AdminPath, query: Record<string, string>, body?: unknown): Promise<Answer> {
    const url = new URL(`${this.login().url.replace(/\/+$/, '')}/admin/${path.map(encodeURIComponent).join('/')}`);
    url.search = new URLSearchParams(query).toString();
    const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const attempt = async () => send(this.agents, url, method, { authorization: `Bearer ${await this.accessToken()}`, ...content }, text);
    const answer = await attempt();
    // A token is short-lived, and it does not name the realms that were made after it.
    if (answer.status !== 401 && answer.status !== 403) return answer;
    this.token = undefined;
    return attempt();
  }

  /** One login for all requests that want a token at the same time. */
  private async accessToken(): Promise<string> {
    const token = (this.token ??= this.newToken());
    const known = await token.catch((error) => {
      if (this.token === token) this.token = undefined;
      throw error;
    });
    if (known.usableUntil > Date.now()) return known.value;
    if (this.token === token) this.token = undefined;
    return this.accessToken();
  }

  private async newToken(): Promise<{ value: string; usableUntil: number }> {
    const { url, realm, clientId, username, password } = this.login();
    const endpoint = new URL(`${url.replace(/\/+$/, '')}/realms/${encodeURIComponent(realm)}/protocol/openid-connect/token`);
    const form = new URLSearchParams({ grant_type: 'password', client_id: clientId, username, password }).toString();
    const answer = await send(this.agents, endpoint, 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, form);
    if (answer.status !== 200) {
      throw new KeycloakError(answer.status, `Keycloak refused the login of '${username}' to the realm '${realm}': ${reasonOf(answer)}. Fix: check username and password of the provider`);
    }
    const { access_token, expires_in } = JSON.parse(answer.text);
    return { value: access_token, usableUntil: Date.now() + Math.max(expires_in - leewaySeconds, 1) * 1000 };
  }
}

/** Keycloak says itself what it has not got; any other 404 is from something in front of it. */
function isGone(answer: Answer): boolean {
  if (answer.status !== 404) return false;
  try {
    return typeof JSON.parse(answer.text).error === 'string';
  } catch {
    return false;
  }
}

function checked(answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new KeycloakError(answer.status, `Keycloak answers ${answer.status}: ${reasonOf(answer)}`);
}

/** Keycloak tells one problem or several, each in one of three ways. */
function reasonOf({ text }: Answer): string {
  try {
    const body = JSON.parse(text);
    const problems: Record<string, string>[] = body.errors ?? [body];
    const reasons = problems.map(({ field, errorMessage, error_description, error }) => [field, errorMessage ?? error_description ?? error].filter(Boolean).join(': '));
    return reasons.filter(Boolean).join('; ') || 'no reason given';
  } catch {
    return 'no reason given';
  }
}
