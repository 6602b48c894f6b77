import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describeCrds, ensureCrds } from '../embedded/crds';
import { describeLaunchers, installLaunchers } from '../embedded/launchers/install';
import { readRegion, stateDirectory } from '../embedded/state';
import { describeTools, ensureTools } from '../embedded/toolchain';
import { exitCodes, UserError } from '../model/errors';
import { loadStack, operatorsOf, type Stack } from '../model/stack';
import { keysOf } from '../provision/vault-operators';
import { checkCluster, type ClusterCheck } from '../review/cluster';
import { printedProgress } from './progress';
import { defaultStack, jsonOption, stateOption } from './stack-argument';
import { table } from './table';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check this computer; with a stack also its cluster: definitions, storage classes, nodes')
    .argument('[stack]', '<instance>.<region>, for example ssp-cloud.paris')
    .option('--install', 'get the tools that are missing')
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExamples:\n  ./datalab doctor\n  ./datalab doctor --install\n  ./datalab doctor ssp-cloud.paris --json')
    .action(async (name: string | undefined, flags: { install?: boolean; json?: boolean; state?: string }) => {
      const stack = name === undefined ? undefined : loadStack(name);
      if (flags.install) {
        await ensureTools(['etcd', 'kubernetes', 'kwok', 'pulumi'], printedProgress());
        await ensureCrds(printedProgress());
        await installLaunchers(stack ?? loadStack(defaultStack), printedProgress());
      }
      const checks = [...computerChecks(flags.state), ...(stack ? [...(await operatorChecks(stack)), ...(await clusterChecks(stack, flags.state))] : [])];
      process.stdout.write(`${flags.json ? JSON.stringify({ checks }) : doctorText(checks)}\n`);
      if (checks.some(({ ok }) => !ok)) process.exitCode = exitCodes.failed;
    });
}

function doctorText(checks: readonly ClusterCheck[]): string {
  const wrong = checks.filter(({ ok }) => !ok);
  return [
    table(['', 'CHECK', 'FOUND'], checks.map(({ ok, what, found }) => [ok ? '✓' : '✗', what, found])),
    ...wrong.map(({ what, fix }) => `\n✗ ${what}\n  fix: ${fix}`),
    ...(wrong.length ? [] : ['\nAll is well.']),
  ].join('\n');
}

function computerChecks(state?: string): ClusterCheck[] {
  const directory = stateDirectory(state);
  const writable = isWritable(directory);
  const definitions = describeCrds();
  return [
    { what: 'Node.js', ok: true, found: process.version, fix: '' },
    { what: 'state directory', ok: writable, found: writable ? directory : `${directory} cannot be written`, fix: 'name another one with --state or DATALAB_STATE' },
    ...describeTools().map(({ name, version, found, missing, how }) => ({
      what: `${name} ${version}`,
      ok: missing.length === 0,
      found: missing.length ? `missing: ${missing.join(', ')}` : dirname(found[0]!),
      fix: `./datalab doctor --install: it is ${how}`,
    })),
    { what: 'CRDs of the embedded region', ok: definitions.found !== undefined, found: definitions.found ?? 'missing', fix: `./datalab doctor --install: they are ${definitions.how}` },
    ...describeLaunchers().filter(({ name }) => !describeTools().some((tool) => tool.name === name)).map(({ name, found, how }) => ({
      what: `server ${name}`, ok: found !== undefined, found: found ?? 'missing', fix: how,
    })),
  ];
}

function isWritable(directory: string): boolean {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether Vault of a real region could be initialised with the operators' keys. */
async function operatorChecks(stack: Stack): Promise<ClusterCheck[]> {
  if (stack.instance.regions[stack.region]!.cluster.access === 'embedded') return [];
  const folder = `stacks/${stack.instance.name}/operators`;
  return (await keysOf(operatorsOf(stack), folder)).map(({ operator, example, fingerprint }) => ({
    what: `operator ${operator} of Vault`,
    ok: !example,
    found: example ? 'an example key that nobody has the private part of' : `key ${fingerprint}`,
    fix: `replace ${folder}/${operator}.asc by an operator's own public key, or remove it`,
  }));
}

/** Asks the cluster through kubectl, as the operator would. */
async function clusterChecks(stack: Stack, state?: string): Promise<ClusterCheck[]> {
  const { access } = stack.instance.regions[stack.region]!.cluster;
  const { kubectl } = await ensureTools(['kubernetes'], printedProgress());
  const target = access === 'embedded' ? ['--kubeconfig', readRegion(stack.name, state).file('kubeconfig')] : ['--context', access.context];
  return checkCluster(stack, async (plural) => {
    try {
      const { stdout } = await promisify(execFile)(kubectl, [...target, '--request-timeout=10s', 'get', plural, '-o', 'json'], { maxBuffer: 256 * 2 ** 20 });
      return (JSON.parse(stdout) as { items: [] }).items;
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      throw new UserError(
        'The cluster does not answer:',
        [
          {
            path: `${stack.name}: ${target.join(' ')}`,
            got: stderr?.trim().split('\n').at(-1) ?? String(error),
            allowed: 'a cluster that this computer reaches, and a login that may list definitions, storage classes and nodes',
            fix: access === 'embedded' ? `./datalab up ${stack.name}` : `set KUBECONFIG to a file with the context ${access.context}; try: kubectl --context ${access.context} get nodes`,
          },
        ],
        exitCodes.failed,
      );
    }
  });
}
