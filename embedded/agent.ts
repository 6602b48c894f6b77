import { parseArgs } from 'node:util';
import { knownAddress } from './address';
import { signCertificates } from './certificates';
import { serveGateway } from './gateway';
import { Kube } from './kube';
import { runProcessNode } from './node/node';
import { openRegion } from './state';
import { provideVolumes } from './volumes';

/**
 * The region's own long-running process: it does what a cluster's add-ons would do, the provisioning of volumes, the signing
 * of certificates, the gateway; and it is the kubelet of the process node. Ends on SIGTERM; servers that it started go on.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { state: { type: 'string' }, stack: { type: 'string' }, issuer: { type: 'string' } } });
  const state = openRegion(values.stack!, values.state);
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  const kube = new Kube(state.file('pki', 'agent.kubeconfig'));
  const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
  log('started');
  await Promise.all([
    provideVolumes({ kube, state, log, signal: stop.signal }),
    signCertificates({ kube, state, log, signal: stop.signal }),
    ...(values.issuer ? [serveGateway({ kube, issuer: values.issuer, state, log, signal: stop.signal })] : []),
    runProcessNode({ state, region: knownAddress(state)!, log, signal: stop.signal }),
  ]);
  kube.close();
  log('stopped');
  process.exit(); // probes of servers that go on may wait still
}

void main();
