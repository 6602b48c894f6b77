import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { startControlPlane } from '../../embedded/control-plane';
import { Kube, type KubeObject } from '../../embedded/kube';
import { livingContainers } from '../../embedded/node/container';
import { podsOfNode } from '../../embedded/node/settled';
import { runningServers } from '../../embedded/processes';
import { listeners, sessionOf, startTimeOf } from '../../embedded/proc';
import { operate, shutDown } from '../../embedded/region';
import { openRegion } from '../../embedded/state';
import { regionStatus } from '../../embedded/status';
import { ensureTools } from '../../embedded/toolchain';
import { installLaunchers } from '../../embedded/launchers/install';
import { loadStack } from '../../model/stack';
import { silent, type Progress } from '../../model/progress';
import { eventually, temporaryDirectory } from './temporary';

jest.setTimeout(300_000);

// Before the directory's own clean-up: hooks run in this order.
afterAll(async () => {
  kube?.close();
  await down();
});

const directory = temporaryDirectory();
const stateDirectory = join(directory, 'state');
const stack = loadStack('ssp-cloud.local');
const state = openRegion(stack.name, stateDirectory);
const steps: string[] = [];
/** Keeps how long each step took. */
const progress: Progress = {
  step: async (title, work) => {
    const started = Date.now();
    const result = await work(() => undefined);
    steps.push(`${title}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return result;
  },
  note: () => undefined,
};
const up = () => operate(stack, 'up', { progress, command: 'test', state: stateDirectory, plugins: 'stand-in' });
const down = () => shutDown(stack, { progress: silent, command: 'test', state: stateDirectory, deleteData: false });
let kube: Kube;

beforeAll(async () => {
  await ensureTools(['etcd', 'kubernetes', 'kwok', 'pulumi'], silent);
  await installLaunchers(stack, silent);
}, 20 * 60_000);

const secret = async (namespace: string, name: string, key: string): Promise<string> => {
  const object = await kube.get({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name } });
  return Buffer.from(object!.data[key], 'base64').toString('utf8');
};
const podOf = async (name: string) => (await kube.get({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: name.replace(/-0$/, ''), name } }))!;
const status = (pod: KubeObject) => pod.status.containerStatuses[0];

/** The loopback address of a pod, from the node's one table. */
async function addressOf(name: string): Promise<string> {
  const table = JSON.parse(readFileSync(state.file('node', 'addresses.json'), 'utf8')) as Record<string, number>;
  const [region] = readFileSync(state.file('address'), 'utf8').trim().split(/\d+$/) as [string];
  return `${region}${table[(await podOf(name)).metadata.uid!]}`;
}

async function sql(user: string, password: string, database: string, query: string): Promise<string> {
  return execFileSync('psql', ['-XAt', '-h', await addressOf('postgresql-0'), '-U', user, '-d', database, '-c', query], {
    encoding: 'utf8', stdio: 'pipe', env: { PATH: process.env.PATH, PGPASSWORD: password, PGCONNECT_TIMEOUT: '5' },
  }).trim();
}

function http(address: string, port: number, path: string): Promise<{ status?: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: address, port, path, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => { body += chunk; }).on('end', () => resolve({ status: answer.statusCode, body }));
    }).on('error', reject).end();
  });
}

test('one command brings PostgreSQL, Keycloak, MinIO and Vault up for real', async () => {
  const started = Date.now();
  await up();
  const seconds = (Date.now() - started) / 1000;
  process.stdout.write(`up of a fresh region: ${seconds.toFixed(0)} s\n  ${steps.join('\n  ')}\n`);
  kube = new Kube(state.file('kubeconfig'));
  const { systems } = await regionStatus(stack, stateDirectory);
  const real = systems.filter(({ runs }) => runs === 'real').map(({ name, ready }) => [name, ready]);
  expect(real).toEqual([['fence', true], ['postgresql', true], ['keycloak', true], ['minio', true], ['vault', true]]);
});

test('the Job made the role and its database, which is nobody else\'s', async () => {
  const password = await secret('keycloak', 'database', 'password');
  expect(Number(await sql('keycloak', password, 'keycloak', "select count(*) from realm where name = 'master'"))).toBe(1);
  await expect(sql('keycloak', 'wrong', 'keycloak', 'select 1')).rejects.toThrow(/password authentication failed/);
  await expect(sql('keycloak', password, 'keycloak', 'create role another')).rejects.toThrow(/permission denied/);
  const superuser = await secret('postgresql', 'superuser', 'password');
  await sql('postgres', superuser, 'postgres', "create role stranger login password 'stranger'");
  await expect(sql('stranger', 'stranger', 'keycloak', 'select 1')).rejects.toThrow(/permission denied for database/);
});

test('Keycloak and MinIO answer at the addresses of their pods', async () => {
  const realm = await http(await addressOf('keycloak-0'), 8080, '/realms/master/.well-known/openid-configuration');
  expect(JSON.parse(realm.body)).toMatchObject({ issuer: 'https://auth.ssp-cloud.localhost:8443/realms/master' });
  const anonymous = await http(await addressOf('minio-0'), 9000, '/');
  expect([anonymous.status, anonymous.body]).toEqual([403, expect.stringContaining('AccessDenied')]);
});

test('everything listens on loopback only', async () => {
  const pids = new Set(livingContainers(state).flatMap(({ record }) => descendants(record.pid)));
  const found = listeners().filter(({ inode }) => [...pids].some((pid) => socketInodes(pid).has(inode)));
  expect(found.length).toBeGreaterThanOrEqual(5);
  expect(found.filter(({ address }) => !/^127\.|^::1$/.test(address))).toEqual([]);
});

test('no secret is in a log, a process title, or what the API server tells of pods', async () => {
  const values = await Promise.all([secret('postgresql', 'superuser', 'password'), secret('keycloak', 'bootstrap-admin', 'password'), secret('minio', 'root', 'password'), secret('keycloak', 'database', 'password')]);
  const logs = readdirSync(state.file('logs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log')).map((name) => readFileSync(state.file('logs', name), 'utf8'));
  const titles = livingContainers(state).flatMap(({ record }) => descendants(record.pid)).map((pid) => read(`/proc/${pid}/cmdline`));
  const told = JSON.stringify([await kube.list('v1', 'Pod'), await kube.list('v1', 'Event')]);
  for (const value of values) expect([...logs, ...titles, told].filter((text) => text.includes(value))).toEqual([]);
});

test('a second run changes nothing', async () => {
  const { changes } = await up();
  expect(changes).toMatchObject({ create: 0, update: 0, delete: 0 });
});

test.each(['postgresql-0', 'keycloak-0', 'minio-0'])('%s killed with no warning is healthy again, restarted once', async (name) => {
  const { record } = livingContainers(state).find((each) => each.record.pod === name)!;
  for (const pid of sessionOf(record.pid)) if (pid !== record.pid) process.kill(pid, 'SIGKILL');
  const pod = await eventually(`${name} healthy`, async () => {
    const object = await podOf(name);
    return status(object).restartCount === 1 && status(object).ready && object;
  }, 120);
  expect(status(pod).lastState.terminated.exitCode).toBe(137);
});

test('a killed agent is replaced, and no server is started twice', async () => {
  const before = livingContainers(state).map(({ record }) => record.pid).sort();
  const agent = runningServers(state).find(({ name }) => name === 'agent')!.pid;
  process.kill(agent, 'SIGKILL');
  await eventually('its end', () => startTimeOf(agent) === undefined);
  await up();
  expect(livingContainers(state).map(({ record }) => record.pid).sort()).toEqual(before);
});

test('down leaves no process, and after the next start the data is there', async () => {
  const superuser = await secret('postgresql', 'superuser', 'password');
  await sql('postgres', superuser, 'postgres', 'create table kept as select 42 as answer');
  const pids = livingContainers(state).flatMap(({ record }) => descendants(record.pid));
  kube.close();
  await down();
  expect(pids.filter((pid) => startTimeOf(pid) !== undefined)).toEqual([]);
  const tools = await ensureTools(['etcd', 'kubernetes', 'kwok'], silent);
  await startControlPlane({ state, tools, progress: silent });
  kube = new Kube(state.file('kubeconfig'));
  const { changes } = await up();
  expect(changes).toMatchObject({ create: 0, update: 0, delete: 0 });
  expect(await sql('postgres', superuser, 'postgres', 'select answer from kept')).toBe('42');
  expect((await podsOfNode(kube)).filter(({ status: { phase } }) => phase === 'Running')).toHaveLength(5);
});

/** The process and all that come from it, in other sessions too. */
function descendants(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(descendants)];
}

function socketInodes(pid: number): Set<string> {
  try {
    const links = execFileSync('find', [`/proc/${pid}/fd`, '-lname', 'socket:*', '-printf', '%l\n'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return new Set([...links.matchAll(/socket:\[(\d+)\]/g)].map((match) => match[1]!));
  } catch {
    return new Set();
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
