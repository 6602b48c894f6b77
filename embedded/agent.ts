import { parseArgs } from 'node:util';
import { Kube } from './kube';
import { openRegion } from './state';
import { provideVolumes } from './volumes';

/**
 * The region's own long-running process: it does what a cluster's add-ons would do, for now the provisioning of
 * volumes. Ends on SIGTERM.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { state: { type: 'string' }, stack: { type: 'string' } } });
  const state = openRegion(values.stack!, values.state);
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  const kube = new Kube(state.file('pki', 'agent.kubeconfig'));
  const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
  log('started');
  await provideVolumes(kube, log, stop.signal);
  kube.close();
  log('stopped');
}

void main();
