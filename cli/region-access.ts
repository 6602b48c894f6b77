import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { promisify } from 'node:util';
import type { Platform } from '../constructs/platform';
import { describeControlPlane } from '../embedded/control-plane';
import { authorityOf, endpoints } from '../embedded/credentials';
import { Kube } from '../embedded/kube';
import { DemoPeople } from '../embedded/people';
import type { RegionState } from '../embedded/state';
import { exitCodes, UserError } from '../model/errors';
import type { RegionAccess } from '../review/matrix/region';

/** An embedded region with its demo people; `close` it at the end. @throws UserError when it does not run. */
export async function embeddedAccess(platform: Platform, state: RegionState, pulumi: string): Promise<RegionAccess & { close(): void }> {
  const { stack } = platform;
  const people = await DemoPeople.of(stack, state, pulumi);
  const controlPlane = describeControlPlane(state)!;
  const servers = { ...endpoints(stack), kubernetes: controlPlane.server };
  const kube = new Kube(controlPlane.kubeconfig);
  await trusted(controlPlane.kubeconfig, await people.token(Object.keys(platform.region.demoUsers)[0]!, 'kubernetes'));
  const hosts = Object.values(servers).map((url) => new URL(url).hostname).filter((host) => host.endsWith('.localhost'));
  return {
    platform,
    servers,
    authorities: [authorityOf(state), readFileSync(controlPlane.ca, 'utf8')],
    addresses: Object.fromEntries(hosts.map((host) => [host, '127.0.0.1'])),
    operator: (method, path, body) => kube.send(method, path, body),
    people,
    close: () => kube.close(),
  };
}

/** Waits until the API server has the keys of a new realm: it asks for them every ten seconds. */
async function trusted(kubeconfig: string, token: string): Promise<void> {
  const kube = new Kube(kubeconfig, { token });
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline && !(await kube.send('GET', '/apis').then(() => true, () => false))) await sleep(500);
  kube.close();
}

/** A region on a real cluster, reached as its operator reaches it: by a context of the kubeconfig. @throws UserError when kubectl fails. */
export async function clusterAccess(platform: Platform, context: string, kubectl: string): Promise<RegionAccess> {
  const { cluster } = await kubeconfigOf(context, kubectl);
  const data = cluster['certificate-authority-data'];
  const file = cluster['certificate-authority'];
  const authority = data ? Buffer.from(data, 'base64').toString() : file && readFileSync(file, 'utf8');
  return {
    platform,
    servers: { ...endpoints(platform.stack), kubernetes: cluster.server },
    authorities: [...rootCertificates, ...(authority ? [authority] : []), ...extraAuthorities()],
    addresses: {},
    operator: async (method, path, body) => {
      const args = { GET: ['get', '--raw', path], POST: ['create', '--raw', path, '-f', '-'], DELETE: ['delete', '--raw', path] }[method];
      return JSON.parse(await run(kubectl, context, args, body));
    },
  };
}

/** What the operator's computer trusts beside the usual authorities. */
function extraAuthorities(): string[] {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  return file ? [readFileSync(file, 'utf8')] : [];
}

interface Cluster {
  readonly server: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'certificate-authority'?: string;
}

async function kubeconfigOf(context: string, kubectl: string): Promise<{ cluster: Cluster }> {
  const config = JSON.parse(await run(kubectl, context, ['config', 'view', '--raw', '--minify', '-o', 'json'])) as { clusters: { cluster: Cluster }[] };
  return config.clusters[0]!;
}

async function run(kubectl: string, context: string, args: readonly string[], input?: object): Promise<string> {
  try {
    const running = promisify(execFile)(kubectl, ['--context', context, '--request-timeout=30s', ...args], { env: process.env, maxBuffer: 64 * 2 ** 20 });
    running.child.stdin?.end(input ? JSON.stringify(input) : '');
    return (await running).stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new UserError(
      'The cluster does not do what verifying needs:',
      [
        {
          path: `kubectl --context ${context} ${args.slice(0, 3).join(' ')}`,
          got: stderr?.trim().split('\n').at(-1) ?? String(error),
          allowed: 'a login that may make and delete a namespace with service accounts, and ask for their tokens',
          fix: `set KUBECONFIG to a file with the context ${context}, of an operator`,
        },
      ],
      exitCodes.failed,
    );
  }
}
