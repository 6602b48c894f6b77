import { send, type Agents, type Answer } from './provider-http';
import type { Values } from './provider-values';

/** How the program's provider says to log in. */
export interface VaultLogin {
  readonly address: string;
  /** Path of the JWT auth method. */
  readonly mount: string;
  readonly role: string;
}

/** Vault's HTTP interface. Logs in at the first request, with a token of its own that is kept in memory alone. */
export class VaultServer {
  private token: Promise<string> | undefined;

  constructor(
    private readonly login: () => VaultLogin,
    private readonly jwt: () => Promise<string>,
    private readonly agents: Agents,
    /** The stack, for messages. */
    private readonly stack: string,
  ) {}

  /** What is at a path; undefined when Vault says that there is nothing. */
  async read(path: string): Promise<Values | undefined> {
    return this.data(await this.ask('GET', path), path);
  }

  /** What a path lists, by key; nothing when Vault says that there is nothing. */
  async list(path: string): Promise<Record<string, Values>> {
    const { key_info = {} } = (this.data(await this.ask('GET', path, { list: 'true' }), path) ?? {}) as { key_info?: Record<string, Values> };
    return key_info;
  }

  /** The answer's data, if there are any. */
  async write(path: string, body: Values): Promise<Values | undefined> {
    const answer = await this.ask('POST', path, {}, body);
    if (answer.status >= 300) throw new Error(`Vault answers ${answer.status} to ${path}: ${reasonOf(answer)}`);
    return parsed(answer)?.data;
  }

  /** What is gone already counts as deleted. */
  async delete(path: string): Promise<void> {
    this.data(await this.ask('DELETE', path), path);
  }

  private data(answer: Answer, path: string): Values | undefined {
    // Vault lists errors whenever it answers itself; any other 404 is from something in front of it.
    if (answer.status === 404 && Array.isArray(parsed(answer)?.errors)) return undefined;
    if (answer.status >= 300) throw new Error(`Vault answers ${answer.status} to ${path}: ${reasonOf(answer)}`);
    if (answer.status === 204) return undefined;
    const data = parsed(answer)?.data;
    if (!data) throw new Error(`${path}: the answer is not Vault's. Fix: see what is in front of it`);
    return data;
  }

  private async ask(method: string, path: string, query: Record<string, string> = {}, body?: Values): Promise<Answer> {
    const attempt = async () => this.send(method, path, query, { 'x-vault-token': await this.accessToken() }, body);
    const answer = await attempt();
    // Its token may have expired, or been revoked with its role.
    if (answer.status !== 403) return answer;
    this.token = undefined;
    return attempt();
  }

  /** One login for all requests that want a token at the same time. */
  private accessToken(): Promise<string> {
    const token = (this.token ??= this.newToken());
    return token.catch((error) => {
      if (this.token === token) this.token = undefined;
      throw error;
    });
  }

  private async newToken(): Promise<string> {
    const { mount, role } = this.login();
    const answer = await this.send('POST', `auth/${mount}/login`, {}, {}, { role, jwt: await this.jwt() });
    const token = parsed(answer)?.auth?.client_token;
    if (answer.status === 200 && token) return token;
    throw new Error(`Vault refused the login to the role '${role}' of auth/${mount}: ${reasonOf(answer)}. Fix: see that 'datalab unseal ${this.stack}' has written the role, and that the token is of its service account`);
  }

  private async send(method: string, path: string, query: Record<string, string>, headers: Record<string, string>, body?: Values): Promise<Answer> {
    const url = this.url(path);
    url.search = new URLSearchParams(query).toString();
    const answer = await send(this.agents, url, method, { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) }, body && JSON.stringify(body));
    if (answer.status === 503) throw new Error(await this.sealed(answer));
    return answer;
  }

  private async sealed(refused: Answer): Promise<string> {
    const answer = await send(this.agents, this.url('sys/seal-status'), 'GET', {});
    const { initialized, sealed, progress, t } = parsed(answer) ?? {};
    if (initialized === false) return `Vault is not initialised, run \`datalab unseal ${this.stack}\``;
    if (sealed) return `Vault is sealed: ${progress} of ${t}, run \`datalab unseal ${this.stack}\``;
    return `Vault answers 503: ${reasonOf(refused)}`;
  }

  private url(path: string): URL {
    return new URL(`${this.login().address.replace(/\/+$/, '')}/v1/${path.split('/').map(encodeURIComponent).join('/')}`);
  }
}

function parsed({ text }: Answer): Values | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(answer: Answer): string {
  const errors: unknown = parsed(answer)?.errors;
  const reasons = Array.isArray(errors) ? errors.map((error) => String(error).replace(/\s+/g, ' ').trim()) : [];
  return reasons.join('; ') || 'no reason given';
}
