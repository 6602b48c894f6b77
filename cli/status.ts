import type { Command } from 'commander';
import { regionStatus, type RegionStatus } from '../embedded/status';
import { loadStack } from '../model/stack';
import { jsonOption, stackArgument, stateOption } from './stack-argument';
import { table } from './table';

export function addStatus(program: Command): void {
  stackArgument(program.command('status').description('what is there, what is real and what is simulated'))
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExamples:\n  ./datalab status\n  ./datalab status ls3.local --json')
    .action(async (name: string, flags: { json?: boolean; state?: string }) => {
      const status = await regionStatus(loadStack(name), flags.state);
      process.stdout.write(`${flags.json ? JSON.stringify(status) : statusText(status)}\n`);
    });
}

/** The status as a person reads it. `plugin` is what the last operation used. */
export function statusText(status: RegionStatus, plugin?: string): string {
  if (!status.running) {
    return `${status.stack} does not run. Start it: ./datalab up ${status.stack}`;
  }
  const rows = status.systems.map((system) => [system.name, system.namespace, system.ready ? 'ready' : 'not ready', system.runs, system.url ?? '']);
  return [
    table(['SYSTEM', 'NAMESPACE', 'STATE', 'RUNS', 'URL'], rows),
    '',
    `real       ${['API server, etcd, controllers, scheduler, Pulumi engine', ...status.servers].join('\n           ')}`,
    'simulated  the other nodes, pods and volumes',
    `stand-ins  gateway on 127.0.0.1, signer of certificates, Pulumi plugins keycloak, minio and vault${plugin === 'official' ? '' : plugin ? ', kubernetes' : ''}`,
    `           ${status.opensVault}`,
    `not enforced\n${status.notEnforced.map((line) => `           ${line}`).join('\n')}`,
    '',
    `kubeconfig ${status.kubeconfig}`,
    '',
    'Try next:',
    ...status.next.map((line) => `  ${line}`),
  ].join('\n');
}
