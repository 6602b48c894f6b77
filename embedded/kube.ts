import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';

/** Any Kubernetes object, as the API server speaks it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    deletionTimestamp?: string;
    [field: string]: unknown;
  };
  [field: string]: any;
}

/** What names an object: enough to read or delete it. */
export interface KubeRef {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** A kind as the API server's discovery describes it. */
export interface ApiResource {
  readonly name: string;
  readonly namespaced: boolean;
  readonly kind: string;
}

/** An answer other than 2xx. `message` is the server's own; `status` 0 means that no server answered. */
export class KubeError extends Error {
  override readonly name = 'KubeError';

  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly details?: { kind?: string; causes?: { reason?: string; message?: string; field?: string }[] },
  ) {
    super(message);
  }
}

export interface WriteOptions {
  /** Name of the field manager that owns the fields written. */
  fieldManager: string;
  /** Ask the server for the result without keeping it. @default false */
  dryRun?: boolean;
  /** Take over fields that another manager owns. @default false */
  force?: boolean;
}

/** Milliseconds without a byte after which a request has failed; watches are not limited. */
const answerTimeout = 60_000;

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { token?: string; 'client-certificate-data'?: string; 'client-key-data'?: string } }[];
}

/**
 * A small client of the Kubernetes API for the embedded region: server-side apply with strict field validation,
 * discovery and watch, with the certificates of one kubeconfig (data inline, one cluster, one user).
 * Why not the official client: docs/adr/0004-kubernetes-client.md.
 */
export class Kube {
  readonly server: string;
  private readonly agent: Agent;
  private readonly token: string | undefined;
  private readonly discovered = new Map<string, Promise<ApiResource[]>>();

  constructor(kubeconfigPath: string, options: { token?: string } = {}) {
    const config = parse(readFileSync(kubeconfigPath, 'utf8')) as Kubeconfig;
    const cluster = config.clusters[0]!.cluster;
    const user = config.users[0]!.user;
    const decode = (data: string | undefined) => (data ? Buffer.from(data, 'base64') : undefined);
    this.server = cluster.server;
    this.token = options.token ?? user.token;
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: 16,
      ca: decode(cluster['certificate-authority-data']),
      ...(this.token ? {} : { cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) }),
    });
  }

  close(): void {
    this.agent.destroy();
  }

  /** The kind as the server knows it now, or undefined when it does not. Known kinds are remembered. */
  async resource(apiVersion: string, kind: string): Promise<ApiResource | undefined> {
    const find = async (list: Promise<ApiResource[]> | undefined) => (await list)?.find((resource) => resource.kind === kind);
    return (await find(this.discovered.get(apiVersion))) ?? find(this.discover(apiVersion));
  }

  private discover(apiVersion: string): Promise<ApiResource[]> {
    const listed = this.send<{ resources: ApiResource[] }>('GET', groupPath(apiVersion)).then(
      (list) => list.resources.filter((resource) => !resource.name.includes('/')),
      (error: unknown) => {
        this.discovered.delete(apiVersion);
        if (error instanceof KubeError && error.status === 404) return [];
        throw error;
      },
    );
    this.discovered.set(apiVersion, listed);
    return listed;
  }

  /** The object's path below the server's address. A kind that the server does not know is a KubeError 404. */
  async path(ref: KubeRef): Promise<string> {
    return `${await this.collection(ref.apiVersion, ref.kind, ref.metadata.namespace)}/${ref.metadata.name}`;
  }

  async get(ref: KubeRef): Promise<KubeObject | undefined> {
    try {
      return await this.send<KubeObject>('GET', await this.path(ref));
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  }

  async list(
    apiVersion: string,
    kind: string,
    options: { namespace?: string; labelSelector?: string; fieldSelector?: string } = {},
  ): Promise<KubeObject[]> {
    const path = await this.collection(apiVersion, kind, options.namespace, true);
    const query = new URLSearchParams();
    if (options.labelSelector) query.set('labelSelector', options.labelSelector);
    if (options.fieldSelector) query.set('fieldSelector', options.fieldSelector);
    const list = await this.send<{ items: KubeObject[] }>('GET', `${path}?${query}`);
    return list.items.map((item) => ({ ...item, apiVersion, kind }));
  }

  /** Creates the object with strict field validation; a KubeError 409 AlreadyExists when it is there. */
  async create(object: KubeObject, options: WriteOptions): Promise<KubeObject> {
    const path = await this.collection(object.apiVersion, object.kind, object.metadata.namespace);
    return this.send('POST', `${path}?${writeQuery(options)}`, object);
  }

  /** Server-side apply with strict field validation: creates or updates. */
  async apply(object: KubeObject, options: WriteOptions): Promise<KubeObject> {
    return this.send('PATCH', `${await this.path(object)}?${writeQuery(options)}`, object, 'application/apply-patch+yaml');
  }

  /**
   * Asks for the deletion of the object; does not wait. An object that is not there is fine. With `uid`, an object of
   * the same name but another uid is left alone: KubeError 409.
   */
  async delete(
    ref: KubeRef,
    options: { propagation?: 'Foreground' | 'Background' | 'Orphan'; gracePeriodSeconds?: number; uid?: string } = {},
  ): Promise<void> {
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: options.propagation ?? 'Background',
      ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
      ...(options.uid === undefined ? {} : { preconditions: { uid: options.uid } }),
    };
    try {
      await this.send('DELETE', await this.path(ref), body);
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 404)) throw error;
    }
  }

  /** One request; the answer parsed as JSON. */
  async send<T = unknown>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<T> {
    const { status, text } = await this.raw(method, path, body, contentType);
    const answer = parseJson(text);
    if (status >= 200 && status < 300) return answer as T;
    const failure = answer as { reason?: string; message?: string; details?: KubeError['details'] } | undefined;
    throw new KubeError(status, failure?.reason ?? 'Unknown', failure?.message ?? `${method} ${path}: ${status}`, failure?.details);
  }

  /**
   * Watches a collection and calls `onEvent` for each event until `signal` aborts or the server ends the stream.
   * With no `resourceVersion` the server starts with the present state, as ADDED events.
   */
  watch(
    path: string,
    onEvent: (type: string, object: KubeObject) => void,
    signal: AbortSignal,
    resourceVersion?: string,
  ): Promise<void> {
    const version = resourceVersion ? `&resourceVersion=${resourceVersion}` : '';
    const url = `${this.server}${path}${path.includes('?') ? '&' : '?'}watch=true${version}`;
    return new Promise((resolve, reject) => {
      const call = request(url, { agent: this.agent, headers: this.headers(), signal }, (answer) => {
        if (answer.statusCode !== 200) {
          answer.resume();
          reject(new KubeError(answer.statusCode ?? 0, 'Watch', `watch ${path}: ${answer.statusCode}`));
          return;
        }
        let pending = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          const lines = (pending + chunk).split('\n');
          pending = lines.pop() ?? '';
          for (const line of lines) {
            const event = JSON.parse(line) as { type: string; object: KubeObject };
            onEvent(event.type, event.object);
          }
        });
        answer.on('end', resolve);
        answer.on('error', (error) => (signal.aborted ? resolve() : reject(error)));
      });
      call.on('error', (error) => (signal.aborted ? resolve() : reject(error)));
      call.end();
    });
  }

  /** The path of a kind's collection, of all namespaces when `everywhere`. */
  async collection(apiVersion: string, kind: string, namespace?: string, everywhere = false): Promise<string> {
    const resource = await this.resource(apiVersion, kind);
    if (!resource) throw new KubeError(404, 'NoKindMatch', `the API server has no kind ${kind} in ${apiVersion}`);
    const scope = resource.namespaced && (namespace || !everywhere) ? `/namespaces/${namespace ?? 'default'}` : '';
    return `${groupPath(apiVersion)}${scope}/${resource.name}`;
  }

  private unreachable(error: Error): KubeError {
    return new KubeError(0, 'Unreachable', `no answer from ${this.server}: ${error.message}`);
  }

  private headers(): Record<string, string> {
    return this.token ? { authorization: `Bearer ${this.token}` } : {};
  }

  private raw(method: string, path: string, body: unknown, contentType: string): Promise<{ status: number; text: string }> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.server}${path}`,
        {
          method,
          agent: this.agent,
          headers: {
            ...this.headers(),
            accept: 'application/json',
            ...(payload ? { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) } : {}),
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
          answer.on('error', (error) => reject(this.unreachable(error)));
        },
      );
      call.setTimeout(answerTimeout, () => call.destroy(new Error(`silent for ${answerTimeout / 1000} s`)));
      call.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed a kept connection in the moment we used it: it has not seen the request.
        if (call.reusedSocket && error.code === 'ECONNRESET') resolve(this.raw(method, path, body, contentType));
        else reject(this.unreachable(error));
      });
      call.end(payload);
    });
  }
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function writeQuery(options: WriteOptions): string {
  const query = new URLSearchParams({ fieldManager: options.fieldManager, fieldValidation: 'Strict' });
  if (options.dryRun) query.set('dryRun', 'All');
  if (options.force) query.set('force', 'true');
  return query.toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text ? { message: text.trim() } : undefined;
  }
}

/** Whether the object's own status says that it is ready. */
export function saysReady({ status }: KubeObject): boolean {
  return status?.conditions?.some((condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
