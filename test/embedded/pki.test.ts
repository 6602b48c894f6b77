import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ensurePki } from '../../embedded/pki';
import { openRegion } from '../../embedded/state';
import { temporaryDirectory } from './temporary';

const state = openRegion('ssp-cloud.local', temporaryDirectory());
const now = new Date('2026-06-01T00:00:00Z');
const inDays = (days: number) => new Date(now.getTime() + days * 24 * 60 * 60 * 1000);
const read = (file: string) => readFileSync(state.file(file), 'utf8');
const certificate = (name: string) => new X509Certificate(read(`pki/${name}.crt`));
const everything = () => Object.fromEntries(readdirSync(state.file('pki')).map((file) => [file, read(join('pki', file))]));

beforeAll(() => ensurePki(state, '127.42.1.1', now));

test('every file in pki is readable by its owner only, and so are the kubeconfigs', () => {
  for (const file of ['kubeconfig', ...readdirSync(state.file('pki')).map((name) => join('pki', name))]) {
    expect(statSync(state.file(file)).mode & 0o777).toBe(0o600);
  }
});

test('servers have the address of the region, clients have their user, and etcd has an authority of its own', () => {
  expect(certificate('apiserver').checkIP('127.42.1.1')).toBe('127.42.1.1');
  expect(certificate('apiserver').checkHost('kubernetes.default.svc')).toBe('kubernetes.default.svc');
  expect(certificate('etcd').checkIP('127.42.1.1')).toBe('127.42.1.1');
  expect(certificate('admin').subject).toBe('O=system:masters\nCN=admin');
  expect(certificate('etcd-client').verify(certificate('etcd-ca').publicKey)).toBe(true);
  expect(certificate('admin').verify(certificate('ca').publicKey)).toBe(true);
  expect(certificate('admin').verify(certificate('etcd-ca').publicKey)).toBe(false);
});

test('certificates last a year and authorities ten', () => {
  const days = (name: string) => Math.round((Date.parse(certificate(name).validTo) - now.getTime()) / 86_400_000);
  expect([days('apiserver'), days('ca')]).toEqual([365, 3652]);
});

test('the kubeconfig holds its data itself and its context is named after the stack', () => {
  const config = parse(read('kubeconfig'));
  expect(config['current-context']).toBe('ssp-cloud.local');
  expect(config.clusters[0].cluster.server).toBe('https://127.42.1.1:26443');
  expect(Object.keys(config.users[0].user)).toEqual(['client-certificate-data', 'client-key-data']);
});

test('another run changes nothing while more than 30 days remain', async () => {
  const before = everything();
  await ensurePki(state, '127.42.1.1', inDays(334));
  expect(everything()).toEqual(before);
});

test('certificates with less than 30 days are renewed; authorities and keys of data stay', async () => {
  const before = everything();
  await ensurePki(state, '127.42.1.1', inDays(340));
  const after = everything();
  const changed = Object.keys(after).filter((file) => after[file] !== before[file]);
  expect(changed).toEqual(expect.arrayContaining(['apiserver.crt', 'apiserver.key', 'admin.crt', 'agent.kubeconfig']));
  for (const file of ['ca.crt', 'etcd-ca.crt', 'service-account.key', 'encryption.yaml']) expect(changed).not.toContain(file);
  expect(parse(read('kubeconfig')).users[0].user['client-certificate-data']).toBe(Buffer.from(read('pki/admin.crt')).toString('base64'));
});

test('another address renews what serves there, and nothing else', async () => {
  const before = everything();
  await ensurePki(state, '127.42.7.1', inDays(341));
  const after = everything();
  const changed = Object.keys(after).filter((file) => after[file] !== before[file] && file.endsWith('.crt'));
  expect(changed).toEqual(['apiserver.crt', 'etcd.crt', 'seal-vault.crt']);
});
