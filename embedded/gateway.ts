import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';
import { knownAddress } from './address';
import { gatewayAddress, gatewayPort } from './authentication';
import { saysReady, type Kube, type KubeObject } from './kube';
import { loopbackOf } from './node/addresses';
import { readText, type RegionState } from './state';

/** Milliseconds that routes and certificates are remembered. */
const memory = 1000;

interface Backend {
  readonly address: string;
  readonly port: number;
}

interface Rule {
  readonly prefixes: readonly string[];
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
}

/**
 * Stands in for the gateway until `signal` aborts: serves the region's HTTPRoutes on one port of 127.0.0.1 with the
 * certificates of the Gateway's listeners, and passes requests to the pods that run on this computer.
 */
export async function serveGateway(options: {
  kube: Kube;
  /** `iss` of people's tokens: its port is the gateway's, and its host is what the address without a name serves. */
  issuer: string;
  state: RegionState;
  log: (line: string) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { kube, issuer, state, log, signal } = options;
  const identity = new URL(issuer).hostname;
  const port = gatewayPort(issuer);
  const region = knownAddress(state)!;
  const file = (name: string) => readText(state.file('pki', name));
  const contexts = remembered((host: string) => secureContext(kube, host));
  const rules = remembered((host: string) => rulesOf(kube, host));
  const server = createServer({
    cert: file('gateway.crt'),
    key: file('gateway.key'),
    SNICallback: (host, done) => contexts(host).then((context) => done(null, context), (error: Error) => done(error)),
  });
  server.on('request', (incoming, outgoing) => {
    const host = (incoming.headers.host ?? '').replace(/:\d+$/, '');
    rules(host === gatewayAddress ? identity : host)
      .then((found) => backendOf(kube, found, incoming.url ?? '/', region))
      .then((backend) => (typeof backend === 'string' ? refuse(outgoing, backend) : pass(incoming, outgoing, backend, port)))
      .catch((error: Error) => refuse(outgoing, `503 the gateway's stand-in cannot read its routes: ${error.message}`));
  });
  server.on('error', (error) => log(`gateway: ${error.message}`));
  server.listen(port, gatewayAddress, () => log(`gateway serves ${gatewayAddress}:${port}`));
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function secureContext(kube: Kube, host: string): Promise<SecureContext | undefined> {
  const gateways = await kube.list('gateway.networking.k8s.io/v1', 'Gateway');
  for (const gateway of gateways) {
    const listener = (gateway.spec.listeners as { hostname?: string; tls: { certificateRefs: { name: string }[] } }[]).find(({ hostname }) => hostname === host);
    if (!listener) continue;
    const name = listener.tls.certificateRefs[0]!.name;
    const secret = await kube.get({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: gateway.metadata.namespace } });
    if (!secret) continue;
    const text = (key: string) => Buffer.from(secret.data[key], 'base64').toString();
    return createSecureContext({ cert: text('tls.crt') + text('ca.crt'), key: text('tls.key') });
  }
  return undefined;
}

async function rulesOf(kube: Kube, host: string): Promise<Rule[]> {
  const [gateways, routes] = await Promise.all([kube.list('gateway.networking.k8s.io/v1', 'Gateway'), kube.list('gateway.networking.k8s.io/v1', 'HTTPRoute')]);
  return routes
    .filter((route) => (route.spec.hostnames as string[] | undefined)?.includes(host) && mayAttach(gateways, host, route.metadata.namespace!))
    .flatMap((route) =>
      (route.spec.rules as { matches: { path: { value: string } }[]; backendRefs: { name: string; port: number }[] }[]).map((rule) => ({
        prefixes: rule.matches.map((match) => match.path.value),
        namespace: route.metadata.namespace!,
        service: rule.backendRefs[0]!.name,
        port: rule.backendRefs[0]!.port,
      })),
    );
}

/** A listener takes routes from the one namespace that it names; another namespace cannot claim its host. */
function mayAttach(gateways: readonly KubeObject[], host: string, namespace: string): boolean {
  const listeners = gateways.flatMap((gateway) => gateway.spec.listeners as { hostname?: string; allowedRoutes?: KubeObject }[]);
  return listeners.some(({ hostname, allowedRoutes }) => hostname === host && allowedRoutes?.namespaces?.selector?.matchLabels?.['kubernetes.io/metadata.name'] === namespace);
}

/** A ready pod that serves the path, or the answer that says why there is none. */
async function backendOf(kube: Kube, rules: readonly Rule[], url: string, region: string): Promise<Backend | string> {
  // As the server will read it: dot segments could leave the prefix.
  const path = new URL(url, 'https://gateway').pathname;
  if (/%2e|%2f|%5c/i.test(path)) return '400 an encoded dot or slash in the path';
  const rule = rules.find(({ prefixes }) => prefixes.some((prefix) => path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)));
  if (!rule) return '404 no route';
  const { namespace, service: name } = rule;
  const service = await kube.get({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace } });
  if (!service) return `503 no service ${namespace}/${name}`;
  const labelSelector = Object.entries(service.spec.selector as Record<string, string>).map(([key, value]) => `${key}=${value}`).join(',');
  const pods = await kube.list('v1', 'Pod', { namespace, labelSelector });
  for (const pod of pods.filter(saysReady)) {
    const address = loopbackOf(pod.status?.podIP, region);
    if (address) return { address, port: portOf(service, rule.port, pod) };
  }
  return `503 no pod of ${namespace}/${name} is ready on this computer`;
}

/** The container port behind a port of the Service, by number or by name. */
function portOf(service: KubeObject, port: number, pod: KubeObject): number {
  const target = (service.spec.ports as { port: number; targetPort?: number | string }[]).find((entry) => entry.port === port)?.targetPort ?? port;
  if (typeof target === 'number') return target;
  const ports = (pod.spec.containers as { ports?: { name: string; containerPort: number }[] }[]).flatMap((container) => container.ports ?? []);
  return ports.find(({ name }) => name === target)?.containerPort ?? port;
}

/** What a caller says of its origin is not believed: these headers are the gateway's alone. */
const ownHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto', 'x-real-ip'];

function pass(incoming: IncomingMessage, outgoing: ServerResponse, { address, port }: Backend, ownPort: number): void {
  const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !ownHeaders.includes(name)));
  const call = httpRequest(
    {
      host: address,
      port,
      method: incoming.method,
      path: incoming.url,
      headers: {
        ...headers,
        'x-forwarded-for': incoming.socket.remoteAddress ?? '',
        'x-forwarded-host': incoming.headers.host ?? '',
        'x-forwarded-port': String(ownPort),
        'x-forwarded-proto': 'https',
      },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  call.on('error', (error) => (outgoing.headersSent ? outgoing.destroy() : refuse(outgoing, `502 ${error.message}`)));
  outgoing.on('close', () => call.destroy());
  incoming.pipe(call);
}

function refuse(outgoing: ServerResponse, answer: string): void {
  outgoing.writeHead(Number(answer.slice(0, 3)), { 'content-type': 'text/plain' });
  outgoing.end(`${answer.slice(4)}\n`);
}

/** The function with its answers kept for a second. */
function remembered<T>(work: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const answers = new Map<string, { until: number; answer: Promise<T> }>();
  return (key) => {
    for (const [old, { until }] of answers) if (until <= Date.now()) answers.delete(old);
    const kept = answers.get(key);
    if (kept) return kept.answer;
    const answer = work(key);
    answers.set(key, { until: Date.now() + memory, answer });
    answer.catch(() => answers.delete(key));
    return answer;
  };
}
