import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { ensurePki } from '../../embedded/pki';
import { agentsOf, send, type Access } from '../../embedded/plugins/provider-http';
import { settingsOf } from '../../embedded/plugins/provider-settings';
import { UNKNOWN } from '../../embedded/plugins/provider-values';
import { openRegion } from '../../embedded/state';
import { freePort } from './servers';
import { temporaryDirectory } from './temporary';

const state = openRegion('test.local', temporaryDirectory());
const read = (file: string) => readFileSync(state.file(file), 'utf8');
/** A name that the certificate is for, and that nothing resolves. */
const host = 'kubernetes.default.svc';
let server: Server;

beforeAll(async () => {
  await ensurePki(state, '127.42.1.1');
  server = createServer({ cert: read('pki/apiserver.crt'), key: read('pki/apiserver.key') }, (request, response) => {
    request.on('data', (chunk) => response.write(chunk)).once('end', () => response.end(` to ${request.headers.host}`));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterAll(() => server.close());

const ask = (access: Access) => send(agentsOf(access), new URL(`https://${host}:${(server.address() as AddressInfo).port}/`), 'POST', {}, 'hello');

test('a name goes to the address it is given, and the certificate must be of the authority and for the name', async () => {
  const addresses = { [host]: '127.0.0.1' };
  expect((await ask({ addresses, ca: read('pki/ca.crt') })).text).toMatch(/^hello to kubernetes\.default\.svc/);
  await expect(ask({ addresses })).rejects.toThrow(/cannot be reached \(.*certificate/);
  await expect(ask({ addresses, ca: read('pki/etcd-ca.crt') })).rejects.toThrow(/cannot be reached \(.*certificate/);
  await expect(ask({ ca: read('pki/ca.crt') })).rejects.toThrow(/kubernetes\.default\.svc:\d+ cannot be reached \(.*ENOTFOUND|EAI_AGAIN/);
});

test('a server that is not there is named, with what to do', async () => {
  const url = new URL(`http://127.0.0.1:${await freePort()}/`);
  await expect(send(agentsOf({}), url, 'GET', {})).rejects.toThrow(`${url.origin} cannot be reached (connect ECONNREFUSED 127.0.0.1:${url.port}). Fix: see with 'datalab status'`);
});

describe('the settings of a provider', () => {
  const settings = (values: Record<string, unknown>) => settingsOf('minio', { values, secrets: [] }, ['server', 'password']);

  test('are read when they are needed, and may be unknown until then', () => {
    expect(settings({ server: 'a', version: '1' }).required('server')).toBe('a');
    expect(settings({ server: UNKNOWN }).optional('server')).toBeUndefined();
    expect(() => settings({ server: UNKNOWN }).required('server')).toThrow('provider minio: server: got a value that is not known yet');
    expect(() => settings({}).required('password')).toThrow('provider minio: password: got nothing; allowed: a value. Fix: set it');
  });

  test('that would be ignored are refused by name', () => {
    expect(() => settings({ server: 'a', insecure: 'true' })).toThrow("provider minio: got insecure; the embedded region's stand-in knows server, password");
  });
});
