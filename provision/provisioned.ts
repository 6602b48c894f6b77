import { readFileSync } from 'node:fs';
import * as pulumi from '@pulumi/pulumi';
import type { Entry } from '../constructs/objects';
import { outputReferences, packageOf } from '../constructs/tokens';
import { withSecrets, type Seeds } from './secrets';

/** A server of the platform as Pulumi's provider of one of its packages reaches it. */
class Server extends pulumi.ProviderResource {}

/** Anything on such a server. */
class ServerResource extends pulumi.CustomResource {}

/**
 * Registers a provider, or a resource on a server, of the tree.
 * A provider's configuration depends on the server's own object, whose uid is unknown until the server is there and the
 * same ever after: so a preview contacts no server that does not exist, and later runs change nothing.
 * `outputs` are the properties that other resources take from this one.
 */
export function provisioned(
  entry: Entry,
  options: pulumi.CustomResourceOptions,
  registered: ReadonlyMap<string, pulumi.Resource>,
  seeds: pulumi.Output<Seeds>,
  outputs: readonly string[],
): pulumi.Resource {
  const { object } = entry;
  const name = packageOf(object)!;
  const version = packageVersion(name);
  if (object.kind === 'Provider') {
    const server = registered.get(entry.after.find((id) => id.startsWith(`${object.metadata.namespace}/statefulset/`))!) as pulumi.Resource & { metadata: pulumi.Output<{ uid: string }> };
    const config = pulumi.all([server.metadata, seeds]).apply(([, values]) => withSecrets(object.spec as Record<string, string>, values));
    const known = Object.fromEntries(Object.entries(object.spec as Record<string, string>).map(([key, value]) => [key, value.includes('${secret:') ? pulumi.secret(config.apply((all) => all[key]!)) : pulumi.unsecret(config.apply((all) => all[key]!))]));
    return new Server(name, entry.id, known, { parent: options.parent, dependsOn: options.dependsOn, version });
  }
  const provider = registered.get(`${object.metadata.namespace}/provider/${name}`) as pulumi.ProviderResource;
  // Only what is named here can be read from a resource without a class of its own.
  const named = Object.fromEntries(outputs.filter((property) => property !== 'id').map((property) => [property, undefined]));
  const inputs = { ...named, ...(resolved(object.spec, registered, seeds) as pulumi.Inputs) };
  return new ServerResource(`${name}:${object.type as string}`, entry.id, inputs, { ...options, provider, version });
}

/** The inputs with the tokens of outputs and secrets replaced. */
function resolved(value: unknown, registered: ReadonlyMap<string, pulumi.Resource>, seeds: pulumi.Output<Seeds>): unknown {
  if (typeof value === 'string') {
    const parts = outputReferences(value).map((part) => {
      if (typeof part === 'string') return part.includes('${secret:') ? pulumi.secret(seeds.apply((values) => withSecrets(part, values))) : part;
      return (registered.get(part.id) as unknown as Record<string, pulumi.Output<string>>)[part.property]!;
    });
    return parts.length === 1 ? parts[0] : parts.length ? pulumi.concat(...parts) : value;
  }
  if (Array.isArray(value)) return value.map((nested) => resolved(nested, registered, seeds));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, nested]) => [key, resolved(nested, registered, seeds)]));
  return value;
}

/** The version of a package's SDK, which is the version of its plugin. */
export function packageVersion(name: string): string {
  return (JSON.parse(readFileSync(require.resolve(`@pulumi/${name}/package.json`), 'utf8')) as { version: string }).version;
}
