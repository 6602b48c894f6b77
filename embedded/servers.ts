import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheDirectory } from '../model/cache';
import { regionPorts } from './address';
import { gatewayAddress, gatewayPort } from './authentication';
import type { Kube } from './kube';
import { leaseHolder, nodeName } from './node/this-computer';
import { serviceRange } from './pki';
import { runningServers, type Server } from './processes';
import { projectRoot, type RegionState } from './state';
import type { Tools } from './toolchain';

/** Private addresses that simulated pods get; nothing listens there. */
const podRange = '10.244.0.0/16';

/** A name that pods resolve, also those of the process node: it goes with the region wherever its address is. */
export const serviceAccountIssuer = `https://kubernetes.default.svc.cluster.local:${regionPorts.apiserver}`;

interface Region {
  readonly state: RegionState;
  readonly address: string;
  readonly tools: Tools;
  readonly kube: Kube;
  /** `iss` of people's tokens, behind the gateway: its port of 127.0.0.1 is served. @default there is no gateway and no realm */
  readonly issuer?: string;
}

export function etcd({ address, tools }: Region): Server {
  const client = `https://${address}:${regionPorts.etcd}`;
  const peer = `https://${address}:${regionPorts.etcdPeer}`;
  const files = ['pki/etcd-ca.crt', 'pki/etcd.crt', 'pki/etcd.key'] as const;
  const [ca, certificate, key] = files;
  return {
    name: 'etcd',
    command: tools.etcd,
    args: [
      '--name=region', '--data-dir=etcd', '--log-level=warn',
      `--listen-client-urls=${client}`, `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=region=${peer}`,
      '--client-cert-auth', `--trusted-ca-file=${ca}`, `--cert-file=${certificate}`, `--key-file=${key}`,
      '--peer-client-cert-auth', `--peer-trusted-ca-file=${ca}`, `--peer-cert-file=${certificate}`, `--peer-key-file=${key}`,
    ],
    files,
    ports: [`${address}:${regionPorts.etcd}`, `${address}:${regionPorts.etcdPeer}`],
    ready: () => accepts(address, regionPorts.etcd),
  };
}

export function apiserver({ address, tools, kube }: Region): Server {
  return {
    name: 'kube-apiserver',
    command: tools['kube-apiserver'],
    args: [
      `--bind-address=${address}`, `--advertise-address=${address}`, `--secure-port=${regionPorts.apiserver}`,
      '--endpoint-reconciler-type=none', // EndpointSlices refuse loopback addresses
      `--etcd-servers=https://${address}:${regionPorts.etcd}`,
      '--etcd-cafile=pki/etcd-ca.crt', '--etcd-certfile=pki/etcd-client.crt', '--etcd-keyfile=pki/etcd-client.key',
      '--encryption-provider-config=pki/encryption.yaml',
      '--tls-cert-file=pki/apiserver.crt', '--tls-private-key-file=pki/apiserver.key', '--client-ca-file=pki/ca.crt',
      '--authentication-config=pki/authentication.yaml',
      '--authorization-mode=Node,RBAC', '--enable-admission-plugins=NodeRestriction',
      `--service-account-issuer=${serviceAccountIssuer}`, `--service-account-jwks-uri=${serviceAccountIssuer}/openid/v1/jwks`,
      '--service-account-key-file=pki/service-account.pub', '--service-account-signing-key-file=pki/service-account.key',
      `--service-cluster-ip-range=${serviceRange}`, '--allow-privileged', '--profiling=false',
    ],
    files: ['pki/etcd-ca.crt', 'pki/etcd-client.crt', 'pki/apiserver.crt', 'pki/ca.crt', 'pki/service-account.pub', 'pki/authentication.yaml'],
    ports: [`${address}:${regionPorts.apiserver}`],
    ready: () => kube.send('GET', '/readyz').then(() => true),
  };
}

export function controllerManager({ tools, kube }: Region): Server {
  const files = ['pki/controller-manager.kubeconfig', 'pki/ca.crt', 'pki/ca.key', 'pki/service-account.key'] as const;
  const [kubeconfig, ca, caKey, serviceAccountKey] = files;
  return {
    name: 'kube-controller-manager',
    command: tools['kube-controller-manager'],
    args: [
      `--kubeconfig=${kubeconfig}`, '--use-service-account-credentials', '--leader-elect=false',
      '--secure-port=0', '--profiling=false',
      `--root-ca-file=${ca}`, `--service-account-private-key-file=${serviceAccountKey}`,
      `--cluster-signing-cert-file=${ca}`, `--cluster-signing-key-file=${caKey}`,
      '--flex-volume-plugin-dir=flex-volume', // the default is outside the region's directory
      '--kube-api-qps=200', '--kube-api-burst=400', // one user, one machine: no reason to wait
    ],
    files,
    ready: async () =>
      (await kube.get({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'default', name: 'default' } })) !== undefined,
  };
}

export function scheduler({ tools }: Region): Server {
  const kubeconfig = 'pki/scheduler.kubeconfig';
  return {
    name: 'kube-scheduler',
    command: tools['kube-scheduler'],
    args: [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0', '--profiling=false'],
    files: [kubeconfig],
  };
}

/** Manages the nodes that carry the annotation kwok.x-k8s.io/node=fake, and the pods on them. */
export function kwok({ tools }: Region): Server {
  const kubeconfig = 'pki/kwok.kubeconfig';
  const stages = join(__dirname, 'kwok.yaml');
  return {
    name: 'kwok',
    command: tools.kwok,
    args: [
      `--kubeconfig=${kubeconfig}`, `--config=${stages}`, `--cidr=${podRange}`,
      '--manage-all-nodes=false', '--v=WARN',
      '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
    ],
    files: [kubeconfig, stages],
  };
}

/** Ready when it has looked at every pod of the process node. */
export function agent({ state, kube, issuer }: Region): Server {
  const program = join(__dirname, 'agent.ts');
  const pki = ['pki/agent.kubeconfig', 'pki/node.kubeconfig', 'pki/gateway.crt'];
  const sources = ['agent.ts', 'authentication.ts', 'certificates.ts', 'follow.ts', 'gateway.ts', 'kube.ts', 'volumes.ts', ...['node', 'launchers'].flatMap((folder) => readdirSync(join(__dirname, folder)).map((file) => join(folder, file)))];
  const loader = pathToFileURL(require.resolve('tsx', { paths: [projectRoot] })).href;
  return {
    name: 'agent',
    command: process.execPath,
    args: ['--import', loader, program, '--state', '..', '--stack', state.stack, ...(issuer ? ['--issuer', issuer] : [])],
    ...(issuer ? { ports: [`${gatewayAddress}:${gatewayPort(issuer)}`] } : {}),
    // Launchers look for tools where this command does.
    env: { DATALAB_CACHE: cacheDirectory(), ...given('DATALAB_TOOLS'), ...given('DATALAB_LAUNCHERS'), ...given('JAVA_HOME') },
    files: [...pki, ...sources.map((file) => join(__dirname, file))],
    ready: async () => {
      const lease = await kube.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace: 'kube-node-lease', name: nodeName } });
      const { pid } = runningServers(state).find(({ name }) => name === 'agent') ?? {};
      return pid !== undefined && lease?.spec.holderIdentity === leaseHolder(pid);
    },
  };
}

function given(name: string): Record<string, string> {
  const value = process.env[name];
  return value ? { [name]: value } : {};
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
