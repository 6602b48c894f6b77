import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { compose } from '../constructs/compose';
import { pulumiRole, Vault } from '../constructs/vault';
import { vaultAudience } from '../constructs/vault-access';
import { exitCodes, UserError } from '../model/errors';
import type { Progress } from '../model/progress';
import { operatorsOf, type Stack } from '../model/stack';
import { openVault, type OpeningProps } from './vault-opening';
import { keysOf, type OperatorKey } from './vault-operators';
import { vaultAt } from './vault-server';

export interface ClusterProps extends Pick<OpeningProps, 'give' | 'keep'> {
  /** Path of the program. */
  readonly kubectl: string;
  /** Context of the operator's kubeconfig. */
  readonly context: string;
  readonly progress: Progress;
}

const namespace = 'vault';

/**
 * Opens Vault of a region on a real cluster. Its pods are reached through the API server with the operator's own login, as
 * `kubectl proxy` offers it on a socket that only this user can open: a sealed Vault has no route.
 * @throws UserError
 */
export async function openClusterVault(stack: Stack, { kubectl, context, give, keep, progress }: ClusterProps): Promise<void> {
  const { vault, cluster } = stack.instance.regions[stack.region]!;
  const server = compose(stack).node.children.find((child): child is Vault => child instanceof Vault)!.server;
  const call = async (...args: string[]) => {
    try {
      return (await promisify(execFile)(kubectl, ['--context', context, '--request-timeout=15s', '--namespace', namespace, ...args])).stdout;
    } catch (error) {
      throw unreachable(stack, context, (error as { stderr?: string }).stderr ?? String(error));
    }
  };
  await withProxy(stack, kubectl, context, (socketPath) =>
    openVault({
      stack: stack.name,
      pods: Array.from({ length: server.props.replicas ?? 1 }, (_, number) => {
        const name = `vault-${number}`;
        return { name, vault: vaultAt(`http://localhost/api/v1/namespaces/${namespace}/pods/${name}:${server.port('http')}/proxy`, { socketPath }) };
      }),
      threshold: vault.threshold,
      operators: () => realOperators(stack),
      keep,
      give,
      jwt: async () => (await call('create', 'token', pulumiRole, `--audience=${vaultAudience}`, '--duration=10m')).trim(),
      issuer: {
        url: cluster.serviceAccountIssuer,
        ca: async () => (JSON.parse(await call('get', 'configmap', 'kube-root-ca.crt', '-o', 'json')) as { data: Record<string, string> }).data['ca.crt']!,
      },
      tell: () => undefined,
      note: (line) => progress.note(line),
    }),
  );
}

/** The operators' keys. @throws UserError for those that came with this repository: what is encrypted to them is lost */
async function realOperators(stack: Stack): Promise<OperatorKey[]> {
  const folder = `stacks/${stack.instance.name}/operators`;
  const keys = await keysOf(operatorsOf(stack), folder);
  const examples = keys.filter(({ example }) => example);
  if (examples.length) {
    throw new UserError("Vault is not initialised with the repository's example keys: nobody could open it again.", examples.map(({ operator }) => ({
      path: `${folder}/${operator}.asc`, got: 'an example whose private key nobody has', allowed: "an operator's own public key", fix: 'gpg --export --armor ADDRESS, into a file of that name; remove the examples that are too many',
    })));
  }
  return keys;
}

async function withProxy<T>(stack: Stack, kubectl: string, context: string, work: (socketPath: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'datalab-unseal-'));
  const socket = join(directory, 'socket');
  const paths = `^/api/v1/namespaces/${namespace}/pods/vault-[0-9]+:[0-9]+/proxy/v1/`;
  const child = spawn(kubectl, ['--context', context, 'proxy', `--unix-socket=${socket}`, `--accept-paths=${paths}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.on('error', (error) => (said += error.message));
  try {
    for (let waited = 0; !existsSync(socket); waited += 50) {
      if (child.exitCode !== null || child.pid === undefined || waited > 15_000) throw unreachable(stack, context, said);
      await sleep(50);
    }
    return await work(socket);
  } finally {
    child.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

function unreachable(stack: Stack, context: string, said: string): UserError {
  return new UserError('The cluster does not answer:', [{
    path: `${stack.name}: --context ${context}`,
    got: said.trim().split('\n').at(-1) || 'kubectl says nothing',
    allowed: 'a login that may use pods/proxy, read config maps and make tokens of service accounts in the namespace vault',
    fix: `set KUBECONFIG to a file with the context ${context}; try: kubectl --context ${context} -n vault get pods`,
  }], exitCodes.failed);
}
