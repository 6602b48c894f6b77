import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { stringify } from 'yaml';
import { sealVault } from '../model/embedded-region';
import { regionPorts } from './address';
import { gatewayAddress } from './authentication';
import { nodeName } from './node/this-computer';
import { readText, writeAtomic, type RegionState } from './state';

x509.cryptoProvider.set(webcrypto);

const day = 24 * 60 * 60 * 1000;
const renewBefore = 30 * day;
const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** First address of the service range, which pods know as `kubernetes.default.svc`. */
export const serviceRange = '10.96.0.0/16';
const serviceHosts = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', '10.96.0.1'];

/**
 * etcd has its own authority: a client of the API server must not be a client of etcd. So has the gateway: who trusts
 * its hosts trusts nothing else.
 */
const authorities = ['ca', 'etcd-ca', 'gateway-ca'] as const;

interface Leaf {
  readonly file: string;
  readonly authority: (typeof authorities)[number];
  readonly subject: x509.JsonName;
  /** Names and addresses it serves as. @default it only calls */
  readonly hosts?: readonly string[];
}

function leaves(address: string): Leaf[] {
  return [
    { file: 'etcd', authority: 'etcd-ca', subject: [{ CN: ['etcd'] }], hosts: [address] },
    { file: 'etcd-client', authority: 'etcd-ca', subject: [{ CN: ['kube-apiserver'] }] },
    { file: 'apiserver', authority: 'ca', subject: [{ CN: ['kube-apiserver'] }], hosts: [address, ...serviceHosts] },
    { file: 'gateway', authority: 'gateway-ca', subject: [{ CN: ['gateway'] }], hosts: [gatewayAddress] },
    { file: 'seal-vault', authority: 'gateway-ca', subject: [{ CN: ['seal-vault'] }], hosts: [address, sealVault.host] },
    { file: 'admin', authority: 'ca', subject: [{ O: ['system:masters'] }, { CN: ['admin'] }] },
    { file: 'controller-manager', authority: 'ca', subject: [{ CN: ['system:kube-controller-manager'] }] },
    { file: 'scheduler', authority: 'ca', subject: [{ CN: ['system:kube-scheduler'] }] },
    { file: 'kwok', authority: 'ca', subject: [{ CN: [kwokUser] }] },
    { file: 'agent', authority: 'ca', subject: [{ CN: [agentUser] }] },
    { file: 'node', authority: 'ca', subject: [{ O: ['system:nodes'] }, { CN: [`system:node:${nodeName}`] }] },
  ];
}

export const kwokUser = 'datalab-stacks:kwok';
export const agentUser = 'datalab-stacks:agent';

/**
 * Everything in `pki/` and the kubeconfigs: made when missing, renewed when less than 30 days remain or the address
 * differs, otherwise left as it is. Certificates last one year, authorities ten.
 */
export async function ensurePki(state: RegionState, address: string, now = new Date()): Promise<void> {
  for (const name of authorities) {
    if (!isGood(state, { file: name, authority: name, subject: [] }, now)) await issueAuthority(state, name, now);
  }
  for (const leaf of leaves(address)) {
    if (!isGood(state, leaf, now)) await issueLeaf(state, leaf, now);
  }
  ensureServiceAccountKey(state);
  ensureEncryptionKey(state);
  writeKubeconfig(state, address, 'admin', 'kubeconfig');
  for (const user of ['controller-manager', 'scheduler', 'kwok', 'agent', 'node']) {
    writeKubeconfig(state, address, user, `pki/${user}.kubeconfig`);
  }
}

function isGood(state: RegionState, leaf: Leaf, now: Date): boolean {
  const [certificate, key, authority] = [`${leaf.file}.crt`, `${leaf.file}.key`, `${leaf.authority}.crt`]
    .map((file) => readText(state.file('pki', file)));
  if (!certificate || !key || !authority) return false;
  const parsed = new X509Certificate(certificate);
  return (
    Date.parse(parsed.validTo) - now.getTime() > renewBefore &&
    parsed.checkPrivateKey(createPrivateKey(key)) &&
    parsed.verify(new X509Certificate(authority).publicKey) &&
    (leaf.hosts ?? []).every((host) => (isIP(host) ? parsed.checkIP(host) : parsed.checkHost(host)))
  );
}

async function issueAuthority(state: RegionState, name: string, now: Date): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...common(now, 3652),
    name: [{ CN: [`${state.stack} ${name}`] }],
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await store(state, name, certificate, keys.privateKey);
}

async function issueLeaf(state: RegionState, leaf: Leaf, now: Date): Promise<void> {
  const { certificate, privateKey } = await signLeaf(state, leaf, now);
  await store(state, leaf.file, certificate, privateKey);
}

/** A certificate of the gateway's authority for some hosts, as PEM; nothing of it is kept. */
export async function serverCertificate(
  state: RegionState,
  hosts: readonly string[],
): Promise<{ certificate: string; key: string; authority: string }> {
  const leaf: Leaf = { file: '', authority: 'gateway-ca', subject: [{ CN: [hosts[0]!] }], hosts };
  const { certificate, privateKey } = await signLeaf(state, leaf, new Date());
  return { certificate: `${certificate.toString('pem')}\n`, key: await keyPem(privateKey), authority: readText(state.file('pki', 'gateway-ca.crt'))! };
}

async function signLeaf(state: RegionState, leaf: Leaf, now: Date): Promise<{ certificate: x509.X509Certificate; privateKey: webcrypto.CryptoKey }> {
  const keys = await webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']);
  const authority = new x509.X509Certificate(readText(state.file('pki', `${leaf.authority}.crt`))!);
  const authorityKey = createPrivateKey(readText(state.file('pki', `${leaf.authority}.key`))!);
  const usages = [x509.ExtendedKeyUsage.clientAuth, ...(leaf.hosts ? [x509.ExtendedKeyUsage.serverAuth] : [])];
  const names = leaf.hosts?.map((host) => ({ type: isIP(host) ? ('ip' as const) : ('dns' as const), value: host }));
  const certificate = await x509.X509CertificateGenerator.create({
    ...common(now, 365),
    subject: leaf.subject,
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey(
      'pkcs8', authorityKey.export({ type: 'pkcs8', format: 'der' }), signing, false, ['sign'],
    ),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ...(names ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** Valid from a minute ago, for clocks that were set back. */
function common(now: Date, days: number) {
  return {
    serialNumber: randomBytes(16).toString('hex').replace(/^[89a-f]/, '1'),
    notBefore: new Date(now.getTime() - 60_000),
    notAfter: new Date(now.getTime() + days * day),
    signingAlgorithm: signing,
  };
}

async function store(state: RegionState, name: string, certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<void> {
  writeAtomic(state.file('pki', `${name}.key`), await keyPem(key));
  writeAtomic(state.file('pki', `${name}.crt`), `${certificate.toString('pem')}\n`);
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** RSA, as managed clusters sign their tokens with RS256. */
function ensureServiceAccountKey(state: RegionState): void {
  const path = state.file('pki', 'service-account.key');
  const kept = readText(path);
  const key = kept ? createPrivateKey(kept) : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  if (!kept) writeAtomic(path, key.export({ type: 'pkcs8', format: 'pem' }).toString());
  writeIfChanged(state.file('pki', 'service-account.pub'), createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString());
}

/** The key that encrypts Secrets in etcd. Losing it loses them, so it is never renewed. */
function ensureEncryptionKey(state: RegionState): void {
  const path = state.file('pki', 'encryption.yaml');
  if (readText(path)) return;
  const keys = [{ name: 'key1', secret: randomBytes(32).toString('base64') }];
  writeAtomic(path, stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ secretbox: { keys } }] }],
  }));
}

function writeKubeconfig(state: RegionState, address: string, user: string, file: string): void {
  const data = (name: string) => Buffer.from(readText(state.file('pki', name))!).toString('base64');
  const { stack } = state;
  writeIfChanged(state.file(file), stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{
      name: stack,
      cluster: { server: `https://${address}:${regionPorts.apiserver}`, 'certificate-authority-data': data('ca.crt') },
    }],
    users: [{
      name: user,
      user: { 'client-certificate-data': data(`${user}.crt`), 'client-key-data': data(`${user}.key`) },
    }],
    contexts: [{ name: stack, context: { cluster: stack, user } }],
    'current-context': stack,
  }));
}

function writeIfChanged(path: string, content: string): void {
  if (readText(path) !== content) writeAtomic(path, content);
}
