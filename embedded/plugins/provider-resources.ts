import { asFound, fieldChanges, fieldProblems, type Fields } from './provider-fields';
import {
  InitFailure,
  type CreateRequest,
  type DeleteRequest,
  type ReadRequest,
  type ResourceProvider,
  type UpdateRequest,
} from './provider-server';
import { pathText, UNKNOWN, valueAt, type Path, type Properties, type Values } from './provider-values';

/** One resource type of a server that is driven over HTTP. */
export interface Kind<Server> {
  readonly fields: Fields;
  /** Outputs that nobody knows before the server has the object. */
  readonly computed?: readonly string[];
  /** Properties that are secret whatever the program says. */
  readonly secrets?: readonly Path[];
  /** What people call it: `client 'onyxia' of the realm 'datalab'`. */
  name(inputs: Values): string;
  /** What is wrong with the inputs beyond single fields. */
  problems?(inputs: Values): string[];
  /** The id of the object if the server has it already. @default it is a setting that is always there */
  find?(server: Server, inputs: Values): Promise<string | undefined>;
  create(server: Server, inputs: Values): Promise<string>;
  /** The properties as they are now, or undefined when the server itself says that there is no such object. */
  read(server: Server, id: string, inputs: Values): Promise<Values | undefined>;
  update(server: Server, id: string, inputs: Values, before: Values): Promise<void>;
  /** Sets what belongs to the object and needs calls of its own, after creation and update. */
  complete?(server: Server, id: string, inputs: Values, before: Values): Promise<void>;
  delete(server: Server, id: string, inputs: Values): Promise<void>;
}

export interface ServerResourcesOptions<Server> {
  /** The Pulumi package that is stood in for, e.g. `keycloak`. */
  readonly plugin: string;
  readonly kinds: Readonly<Record<string, Kind<Server>>>;
  readonly server: Server;
  /** Take over objects that exist already. */
  readonly adopt: boolean;
  /** URNs of resources whose creation was interrupted: what exists of them is ours. @default none */
  readonly interrupted?: ReadonlySet<string>;
}

/**
 * Keeps resources on a server. A preview never asks the server: its address may be unknown yet, and what the inputs do
 * not say is unknown until the object is there.
 */
export class ServerResources<Server> implements ResourceProvider {
  constructor(private readonly options: ServerResourcesOptions<Server>) {}

  check({ type, inputs }: { type: string; inputs: Properties }) {
    const kind = this.options.kinds[type];
    if (!kind) return { inputs, failures: [this.refusal(type)] };
    const problems = fieldProblems(kind.fields, inputs);
    const marked = { values: inputs.values, secrets: secretPaths(kind, inputs, inputs.values) };
    return { inputs: marked, failures: problems.length ? problems : (kind.problems?.(inputs.values) ?? []) };
  }

  diff({ type, oldInputs, inputs }: { type: string; oldInputs: Properties; inputs: Properties }) {
    return fieldChanges(this.kind(type).fields, oldInputs, inputs);
  }

  async create({ urn, type, inputs, preview }: CreateRequest) {
    const kind = this.kind(type);
    const { values } = inputs;
    if (preview) {
      const computed = Object.fromEntries((kind.computed ?? []).map((property) => [property, UNKNOWN]));
      return { id: '', outputs: stateOf(kind, inputs, { ...computed, ...values }) };
    }
    const { server, interrupted } = this.options;
    const adopt = this.options.adopt || interrupted?.has(urn) || values.import === true;
    const existing = await this.explained(kind, 'read', values, () => kind.find?.(server, values));
    if (existing !== undefined && !adopt) throw new Error(existsMessage(kind, values));
    const id = existing ?? (await this.explained(kind, 'create', values, () => kind.create(server, values)));
    const outputs = await this.finished(kind, id, inputs, {}, async () => {
      if (existing !== undefined) await kind.update(server, id, values, {});
    });
    return { id, outputs };
  }

  async read({ type, id, inputs }: ReadRequest) {
    const kind = this.kind(type);
    if (Object.keys(inputs.values).length === 0) {
      throw new Error(`importing '${id}' is not part of the embedded region's stand-in. Fix: declare the resource and run with --adopt`);
    }
    const live = await this.explained(kind, 'read', inputs.values, () => kind.read(this.options.server, id, inputs.values));
    if (!live) return undefined;
    const found = { values: asFound(kind.fields, inputs.values, live), secrets: inputs.secrets };
    return { inputs: found, outputs: stateOf(kind, found, live) };
  }

  async update({ type, id, inputs, oldInputs, oldOutputs, preview }: UpdateRequest) {
    const kind = this.kind(type);
    if (preview) return { outputs: stateOf(kind, inputs, { ...oldOutputs.values, ...inputs.values }) };
    const outputs = await this.explained(kind, 'update', inputs.values, () =>
      this.finished(kind, id, inputs, oldInputs.values, () => kind.update(this.options.server, id, inputs.values, oldInputs.values)),
    );
    return { outputs };
  }

  async delete({ type, id, inputs }: DeleteRequest) {
    const kind = this.kind(type);
    if (inputs.values.import === true) return;
    await this.explained(kind, 'delete', inputs.values, () => kind.delete(this.options.server, id, inputs.values));
  }

  /** The state of an object that exists by now: whatever fails from here on must not make Pulumi forget it. */
  private async finished(kind: Kind<Server>, id: string, inputs: Properties, before: Values, work: () => Promise<void>): Promise<Properties> {
    const { server } = this.options;
    const { values } = inputs;
    let live: Values | undefined;
    try {
      await work();
      await kind.complete?.(server, id, values, before);
      live = await kind.read(server, id, values);
    } catch (error) {
      throw new InitFailure(id, stateOf(kind, inputs, values), [`${kind.name(values)}: ${messageOf(error)}`]);
    }
    const state = stateOf(kind, inputs, live ?? values);
    const refused = fieldChanges(kind.fields, inputs, { values: asFound(kind.fields, values, live ?? {}), secrets: inputs.secrets });
    if (!refused.length) return state;
    const what = refused.map(({ path }) => pathText(path)).join(', ');
    throw new InitFailure(id, state, [`${kind.name(values)}: the server took the request, but did not keep ${what}. Fix: see whether its other settings allow it`]);
  }

  private kind(type: string): Kind<Server> {
    const kind = this.options.kinds[type];
    if (!kind) throw new Error(this.refusal(type));
    return kind;
  }

  private refusal(type: string): string {
    const { plugin, kinds } = this.options;
    return (
      `${type} is not part of the embedded region's stand-in for the Pulumi plugin '${plugin}'; ` +
      `allowed: ${Object.keys(kinds).join(', ')}. Fix: use one of these, or the official plugin (--plugins official)`
    );
  }

  private async explained<T>(kind: Kind<Server>, verb: string, inputs: Values, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof InitFailure) throw error;
      throw new Error(`${kind.name(inputs)}: could not ${verb} it: ${messageOf(error)}`);
    }
  }
}

function stateOf<Server>(kind: Kind<Server>, inputs: Properties, live: Values): Properties {
  const untold = Object.entries(inputs.values).filter(([property]) => kind.fields[property]?.untold);
  const values = { ...live, ...Object.fromEntries(untold) };
  return { values, secrets: secretPaths(kind, inputs, values) };
}

/** A list may be in another order on the server, so a list with a secret in it is secret as a whole. */
function secretPaths<Server>(kind: Kind<Server>, inputs: Properties, values: Values): Path[] {
  const given = inputs.secrets.map((path) => {
    const list = path.findIndex((step) => typeof step === 'number');
    return list === -1 ? path : path.slice(0, list);
  });
  const always = (kind.secrets ?? []).filter((path) => valueAt(values, path) !== undefined);
  const all = [...given, ...always];
  return all.filter((path, index) => {
    const covers = (other: Path, at: number) => (other.length < path.length || (other.length === path.length && at < index)) && other.every((step, n) => step === path[n]);
    return !all.some(covers);
  });
}

function existsMessage<Server>(kind: Kind<Server>, inputs: Values): string {
  const own = kind.fields.import ? ', set its property `import: true` (it then outlives its resource)' : '';
  return `${kind.name(inputs)} exists already, and the server cannot tell whose it is. Fix: run with --adopt to take it over${own}, or delete it there`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
