import { credentials } from '@grpc/grpc-js';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb';
import { ResourceProviderClient } from '@pulumi/pulumi/proto/provider_grpc_pb';
import * as rpc from '@pulumi/pulumi/proto/provider_pb';
import { Status } from '@pulumi/pulumi/proto/status_pb';
import { InitFailure, serveProvider, type ResourceProvider, type RunningProvider } from '../../embedded/plugins/provider-server';
import { decode, encode } from '../../embedded/plugins/provider-values';

let server: RunningProvider;
let client: ResourceProviderClient;
let create: ResourceProvider['create'];

const ask = (method: string, request: unknown): Promise<any> =>
  new Promise((resolve, reject) =>
    (client as any)[method](request, (error: unknown, response: unknown) => (error ? reject(error) : resolve(response))),
  );
const creation = (values: object, secrets: string[][] = []) => {
  const request = new rpc.CreateRequest();
  request.setProperties(encode({ values, secrets }));
  return request;
};

beforeAll(async () => {
  const resources: ResourceProvider = {
    check: ({ inputs }) => ({ inputs, failures: inputs.values.size > 3 ? ['too big'] : [] }),
    diff: () => [{ path: ['spec', 'a.b', 0], kind: 'delete', replace: true }],
    create: (request, progress) => create(request, progress),
    read: async () => undefined,
    update: async ({ inputs }) => ({ outputs: inputs }),
    delete: async () => undefined,
  };
  server = await serveProvider({ name: 'boxes', version: '1.2.3', identity: ['endpoint'], configure: () => resources });
  client = new ResourceProviderClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const hello = new rpc.ProviderHandshakeRequest();
  hello.setEngineAddress('127.0.0.1:1');
  await ask('handshake', hello);
  await ask('configure', new rpc.ConfigureRequest());
});

afterAll(async () => {
  client.close();
  await server.stop();
});

test('tells the version that it stands in for', async () => {
  expect((await ask('getPluginInfo', new Empty())).getVersion()).toBe('1.2.3');
});

test('refuses by name what it does not do', async () => {
  const request = new rpc.InvokeRequest();
  request.setTok('boxes:index:open');
  await expect(ask('invoke', request)).rejects.toThrow(
    "invoke of boxes:index:open is not part of the embedded region's stand-in for the Pulumi plugin 'boxes'",
  );
});

test('hands over failures of a check, and the paths of a difference', async () => {
  const check = new rpc.CheckRequest();
  check.setNews(encode({ values: { size: 4 }, secrets: [] }));
  expect((await ask('check', check)).getFailuresList()[0].getReason()).toBe('too big');
  const difference: rpc.DiffResponse = await ask('diff', new rpc.DiffRequest());
  expect(difference.getReplacesList()).toEqual(['spec']);
  expect(difference.getDetaileddiffMap().get('spec["a.b"][0]')!.getKind()).toBe(rpc.PropertyDiff.Kind.DELETE_REPLACE);
});

test('a change of what says which server it is replaces everything', async () => {
  const request = new rpc.DiffRequest();
  request.setOldInputs(encode({ values: { endpoint: 'a', token: 'x' }, secrets: [] }));
  request.setNews(encode({ values: { endpoint: 'b', token: 'y' }, secrets: [] }));
  const difference: rpc.DiffResponse = await ask('diffConfig', request);
  expect(difference.getDiffsList()).toEqual(['endpoint', 'token']);
  expect(difference.getReplacesList()).toEqual(['endpoint']);
});

test('keeps secrets out of its errors', async () => {
  create = async ({ inputs }) => {
    throw new Error(`cannot use ${JSON.stringify(inputs.values)}`);
  };
  const failure = await ask('create', creation({ name: 'cave', password: 'open "sesame"' }, [['password']])).catch(
    (error) => error,
  );
  expect(failure.details).toBe('cannot use {"name":"cave","password":"[secret]"}');
});

test('a resource that does not work is handed over with the reasons', async () => {
  create = async ({ inputs }) => {
    throw new InitFailure('box', inputs, ['stuck at sesame']);
  };
  const failure = await ask('create', creation({ password: 'sesame' }, [['password']])).catch((error) => error);
  const status = Status.deserializeBinary(failure.metadata.get('grpc-status-details-bin')[0]);
  const detail = rpc.ErrorResourceInitFailed.deserializeBinary(status.getDetailsList()[0]!.getValue_asU8());
  expect(detail.getId()).toBe('box');
  expect(detail.getReasonsList()).toEqual(['stuck at [secret]']);
  expect(decode(detail.getProperties())).toEqual({ values: { password: 'sesame' }, secrets: [['password']] });
});

test('an engine that goes away ends the work', async () => {
  const ended = new Promise<void>((resolve) => {
    create = (_request, { signal }) =>
      new Promise((_done, fail) => signal.addEventListener('abort', () => (resolve(), fail(new Error('over')))));
  });
  const call = client.create(creation({}), () => undefined);
  await new Promise((soon) => setTimeout(soon, 50));
  call.cancel();
  await ended;
});
