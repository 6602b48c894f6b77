import { EventEmitter } from 'node:events';
import {
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status as grpcStatus,
  type sendUnaryData,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Any } from 'google-protobuf/google/protobuf/any_pb';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb';
import { EngineClient } from '@pulumi/pulumi/proto/engine_grpc_pb';
import { LogRequest, LogSeverity } from '@pulumi/pulumi/proto/engine_pb';
import { PluginInfo } from '@pulumi/pulumi/proto/plugin_pb';
import { ResourceProviderService } from '@pulumi/pulumi/proto/provider_grpc_pb';
import * as rpc from '@pulumi/pulumi/proto/provider_pb';
import { Status } from '@pulumi/pulumi/proto/status_pb';
import { decode, encode, pathText, redact, sameValue, secretStrings, type Path, type Properties } from './provider-values';

/** A resource as the engine names it. */
export interface ResourceRequest {
  readonly urn: string;
  /** The type token, e.g. `kubernetes:core/v1:Secret`. */
  readonly type: string;
}

export interface CreateRequest extends ResourceRequest {
  readonly inputs: Properties;
  readonly preview: boolean;
  /** From the resource's `customTimeouts`; 0 when not given. */
  readonly timeoutSeconds: number;
}

export interface ReadRequest extends ResourceRequest {
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

export interface UpdateRequest extends CreateRequest {
  readonly id: string;
  readonly oldInputs: Properties;
  readonly oldOutputs: Properties;
}

export interface DeleteRequest extends ResourceRequest {
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
  readonly timeoutSeconds: number;
}

export interface Change {
  readonly path: Path;
  readonly kind: 'add' | 'delete' | 'update';
  /** The change is only possible by deleting the resource and creating it again. */
  readonly replace: boolean;
}

/** What a provider may use while it works on one request. */
export interface Progress {
  /** Aborted when the user cancels or the engine goes away. */
  readonly signal: AbortSignal;
  /** Shows what is going on, on the resource's line; replaced by the next call. */
  status(message: string): void;
  /** Leaves a message in the output of the run. */
  log(severity: 'warning' | 'error', message: string): void;
}

/** The resources of one provider, after it was configured. */
export interface ResourceProvider {
  /** The inputs to record, and what is wrong with them. */
  check(request: ResourceRequest & { inputs: Properties }): { inputs: Properties; failures: string[] };
  /** The changes between two sets of inputs; a resource that is replaced is deleted first. */
  diff(request: ResourceRequest & { oldInputs: Properties; inputs: Properties }): Change[];
  create(request: CreateRequest, progress: Progress): Promise<{ id: string; outputs: Properties }>;
  /** The resource as it is now, or undefined when it is certain that it does not exist. */
  read(request: ReadRequest, progress: Progress): Promise<{ inputs: Properties; outputs: Properties } | undefined>;
  update(request: UpdateRequest, progress: Progress): Promise<{ outputs: Properties }>;
  delete(request: DeleteRequest, progress: Progress): Promise<void>;
}

export interface ProviderPlugin {
  /** The package, e.g. `kubernetes`. */
  readonly name: string;
  /** The version of the official plugin that it stands in for. */
  readonly version: string;
  /** Settings of the provider that say which server it speaks to: a change replaces every resource. */
  readonly identity: readonly string[];
  configure(config: Properties): ResourceProvider;
}

/** The resource exists and must be recorded, but it does not work (yet). */
export class InitFailure extends Error {
  constructor(
    readonly id: string,
    readonly outputs: Properties,
    readonly reasons: readonly string[],
    readonly inputs?: Properties,
  ) {
    super(reasons.join('; '));
  }
}

export interface RunningProvider {
  /** For the environment variable `PULUMI_DEBUG_PROVIDERS=name:port`. */
  readonly port: number;
  stop(): Promise<void>;
}

/** One provider instance of one engine: the engine opens a connection for each. */
class Session {
  readonly cancelled = new AbortController();
  resources: ResourceProvider | undefined;
  private readonly engine: EngineClient;

  constructor(engineAddress: string) {
    this.engine = new EngineClient(engineAddress, credentials.createInsecure());
  }

  log(urn: string, severity: LogSeverity, message: string, ephemeral: boolean): void {
    const request = new LogRequest();
    request.setUrn(urn);
    request.setSeverity(severity);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    this.engine.log(request, () => undefined);
  }

  close(): void {
    this.cancelled.abort();
    this.engine.close();
  }
}

type Handler = (request: any, session: Session, signal: AbortSignal) => unknown;

/** Serves a provider on 127.0.0.1 over Pulumi's provider protocol, for an engine that attaches to it. */
export async function serveProvider(plugin: ProviderPlugin): Promise<RunningProvider> {
  const sessions = new Map<string, Session>();
  const service: UntypedServiceImplementation = {};
  const handlers = handlersOf(plugin);

  for (const method of Object.keys(ResourceProviderService)) {
    service[method] = (call: ServerUnaryCall<any, any>, callback: sendUnaryData<any>) => {
      const peer = call.getPeer();
      if (method === 'handshake') sessions.set(peer, new Session(call.request.getEngineAddress()));
      const session = sessions.get(peer);
      const handler = handlers[method];
      if (!handler || !session) {
        callback({ code: grpcStatus.UNIMPLEMENTED, details: refusal(plugin, method, call.request) });
        return;
      }
      const gone = new AbortController();
      (call as unknown as EventEmitter).once('cancelled', () => gone.abort());
      const signal = AbortSignal.any([session.cancelled.signal, gone.signal]);
      void answer(() => handler(call.request, session, signal), call.request, callback);
    };
  }

  const limits = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
  const server = new Server(limits);
  server.addService(ResourceProviderService, service);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    async stop() {
      for (const session of sessions.values()) session.close();
      server.forceShutdown();
    },
  };
}

async function answer(work: () => unknown, request: any, callback: sendUnaryData<any>): Promise<void> {
  try {
    callback(null, await work());
  } catch (error) {
    const secrets = secretsOf(request);
    const message = redact(error instanceof Error ? error.message : String(error), secrets);
    // Any other code than these two would leave a 'pending operation' in the state.
    const failure = { code: grpcStatus.FAILED_PRECONDITION, details: message };
    callback(error instanceof InitFailure ? { ...failure, metadata: initFailureDetails(error, secrets) } : failure);
  }
}

function initFailureDetails(failure: InitFailure, secrets: readonly string[]): Metadata {
  const detail = new rpc.ErrorResourceInitFailed();
  detail.setId(failure.id);
  detail.setProperties(encode(failure.outputs));
  if (failure.inputs) detail.setInputs(encode(failure.inputs));
  detail.setReasonsList(failure.reasons.map((reason) => redact(reason, secrets)));
  const packed = new Any();
  packed.pack(detail.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed');
  const status = new Status();
  status.setCode(grpcStatus.FAILED_PRECONDITION);
  status.addDetails(packed);
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(status.serializeBinary()));
  return metadata;
}

/** All secret strings that a request carries, in whatever field. */
function secretsOf(request: any): string[] {
  const structs = ['getProperties', 'getInputs', 'getOldInputs', 'getOlds', 'getNews', 'getArgs'];
  return structs.flatMap((get) => (request[get] ? secretStrings(decode(request[get]())) : []));
}

function refusal(plugin: ProviderPlugin, method: string, request: any): string {
  const token: string | undefined = request.getTok?.() ?? request.getType?.();
  return (
    `${method}${token ? ` of ${token}` : ''} is not part of the embedded region's stand-in for the Pulumi plugin '${plugin.name}', ` +
    `which only keeps resources. Fix: use plain resources, or the official plugin (--plugins official).`
  );
}

function handlersOf(plugin: ProviderPlugin): Record<string, Handler> {
  const resources = (session: Session): ResourceProvider => {
    if (!session.resources) throw new Error(`the provider '${plugin.name}' was not configured`);
    return session.resources;
  };
  const progressOf = (request: any, session: Session, signal: AbortSignal): Progress => {
    const urn: string = request.getUrn();
    const clean = (message: string) => redact(message, secretsOf(request));
    return {
      signal,
      status: (message) => session.log(urn, LogSeverity.INFO, clean(message), true),
      log: (severity, message) =>
        session.log(urn, severity === 'error' ? LogSeverity.ERROR : LogSeverity.WARNING, clean(message), false),
    };
  };
  const named = (request: any): ResourceRequest => ({ urn: request.getUrn(), type: request.getType() });

  return {
    handshake() {
      const response = new rpc.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    },

    attach: () => new Empty(),

    getPluginInfo() {
      const info = new PluginInfo();
      info.setVersion(plugin.version);
      return info;
    },

    checkConfig(request: rpc.CheckRequest) {
      const response = new rpc.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    },

    diffConfig(request: rpc.DiffRequest) {
      const olds = decode(request.getOldInputs() ?? request.getOlds()).values;
      const news = decode(request.getNews()).values;
      const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])];
      const changed = keys.filter((key) => !sameValue(olds[key], news[key]));
      return diffResponse(changed.map((key) => ({ path: [key], kind: 'update', replace: plugin.identity.includes(key) })));
    },

    configure(request: rpc.ConfigureRequest, session) {
      session.resources = plugin.configure(decode(request.getArgs()));
      const response = new rpc.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    },

    check(request: rpc.CheckRequest, session) {
      const { inputs, failures } = resources(session).check({ ...named(request), inputs: decode(request.getNews()) });
      const response = new rpc.CheckResponse();
      response.setInputs(encode(inputs));
      response.setFailuresList(
        failures.map((reason) => {
          // No property: the engine would print its value, with what is secret in it.
          const failure = new rpc.CheckFailure();
          failure.setReason(reason);
          return failure;
        }),
      );
      return response;
    },

    diff(request: rpc.DiffRequest, session) {
      const oldInputs = decode(request.getOldInputs());
      return diffResponse(resources(session).diff({ ...named(request), oldInputs, inputs: decode(request.getNews()) }));
    },

    async create(request: rpc.CreateRequest, session, signal) {
      const { id, outputs } = await resources(session).create(
        {
          ...named(request),
          inputs: decode(request.getProperties()),
          preview: request.getPreview(),
          timeoutSeconds: request.getTimeout(),
        },
        progressOf(request, session, signal),
      );
      const response = new rpc.CreateResponse();
      response.setId(id);
      response.setProperties(encode(outputs));
      return response;
    },

    async read(request: rpc.ReadRequest, session, signal) {
      const found = await resources(session).read(
        {
          ...named(request),
          id: request.getId(),
          inputs: decode(request.getInputs()),
          outputs: decode(request.getProperties()),
        },
        progressOf(request, session, signal),
      );
      const response = new rpc.ReadResponse();
      if (!found) return response;
      response.setId(request.getId());
      response.setInputs(encode(found.inputs));
      response.setProperties(encode(found.outputs));
      return response;
    },

    async update(request: rpc.UpdateRequest, session, signal) {
      const { outputs } = await resources(session).update(
        {
          ...named(request),
          id: request.getId(),
          inputs: decode(request.getNews()),
          oldInputs: decode(request.getOldInputs()),
          oldOutputs: decode(request.getOlds()),
          preview: request.getPreview(),
          timeoutSeconds: request.getTimeout(),
        },
        progressOf(request, session, signal),
      );
      const response = new rpc.UpdateResponse();
      response.setProperties(encode(outputs));
      return response;
    },

    async delete(request: rpc.DeleteRequest, session, signal) {
      await resources(session).delete(
        {
          ...named(request),
          id: request.getId(),
          inputs: decode(request.getOldInputs()),
          outputs: decode(request.getProperties()),
          timeoutSeconds: request.getTimeout(),
        },
        progressOf(request, session, signal),
      );
      return new Empty();
    },

    cancel(_request: Empty, session) {
      session.cancelled.abort();
      return new Empty();
    },
  };
}

const { Kind } = rpc.PropertyDiff;
const diffKinds = {
  add: { change: Kind.ADD, replace: Kind.ADD_REPLACE },
  delete: { change: Kind.DELETE, replace: Kind.DELETE_REPLACE },
  update: { change: Kind.UPDATE, replace: Kind.UPDATE_REPLACE },
} as const;

function diffResponse(changes: readonly Change[]): rpc.DiffResponse {
  const topLevel = (some: readonly Change[]) => [...new Set(some.map((change) => String(change.path[0])))];
  const response = new rpc.DiffResponse();
  response.setChanges(changes.length ? rpc.DiffResponse.DiffChanges.DIFF_SOME : rpc.DiffResponse.DiffChanges.DIFF_NONE);
  response.setDiffsList(topLevel(changes));
  response.setReplacesList(topLevel(changes.filter((change) => change.replace)));
  response.setDeletebeforereplace(true);
  response.setHasdetaileddiff(true);
  for (const change of changes) {
    const difference = new rpc.PropertyDiff();
    difference.setKind(change.replace ? diffKinds[change.kind].replace : diffKinds[change.kind].change);
    difference.setInputdiff(true);
    response.getDetaileddiffMap().set(pathText(change.path), difference);
  }
  return response;
}
