import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { UserError } from './errors';
import type { Instance } from './instance';
import { checkOperators, loadOperators, type Operator } from './operators';
import { nearest } from './problems';
import { firstVersions, readVersions, type SecretVersions } from './secret-versions';

/** One instance in one region. */
export interface Stack {
  /** `<instance>.<region>`. */
  readonly name: string;
  readonly instance: Instance;
  /** A key of `instance.regions`. */
  readonly region: string;
  /** The instance's logo: SVG text. */
  readonly logo: string;
  /** What `stacks/<instance>/crds/` holds, for a region that installs them; else none. */
  readonly definitions: readonly CustomResourceDefinition[];
  /** Which value each derived secret has. Those of an embedded region that was rotated stand in its state directory. */
  readonly secrets: SecretVersions;
}

/** A CustomResourceDefinition as its publisher wrote it. */
export interface CustomResourceDefinition {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly group: string; readonly names: { readonly kind: string } };
}

/** The folder that holds an instance folder each. */
export const stacksFolder = resolve(__dirname, '..', 'stacks');

/** Every `<instance>.<region>` below stacks/, sorted. @throws UserError when an instance is not valid. */
export function stackNames(folder = stacksFolder): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'instance.ts')))
    .flatMap((entry) => Object.keys(loadInstance(entry.name, folder).regions).map((region) => `${entry.name}.${region}`))
    .sort();
}

/** The stack of that name. @throws UserError when there is none, or when its instance is not valid. */
export function loadStack(name: string, folder = stacksFolder): Stack {
  const names = stackNames(folder);
  if (!names.includes(name)) {
    const near = nearest(name, names);
    throw new UserError('There is no such stack:', [
      {
        path: 'stack',
        got: JSON.stringify(name),
        allowed: names.join(', '),
        fix: near ? `did you mean ${near}?` : 'choose one of them, or add a region to an instance below stacks/',
      },
    ]);
  }
  const [instanceName, region] = name.split('.') as [string, string];
  const instance = loadInstance(instanceName, folder);
  const { crds, cluster } = instance.regions[region]!;
  const logo = readFileSync(join(folder, instanceName, instance.brand.logo), 'utf8');
  return {
    name,
    instance,
    region,
    logo,
    definitions: crds === 'install' ? loadDefinitions(folder, instanceName) : [],
    secrets: cluster.access === 'embedded' ? firstVersions : readVersions(configFile(name, folder)),
  };
}

/** The Pulumi configuration of a stack on a real cluster. */
export function configFile(stack: string, folder = stacksFolder): string {
  return join(folder, `Pulumi.${stack}.yaml`);
}

/** Those who open the Vault of a stack on a real cluster. */
export function operatorsOf(stack: Stack, folder = stacksFolder): Operator[] {
  return loadOperators(join(folder, stack.instance.name));
}

function loadDefinitions(stacks: string, name: string): CustomResourceDefinition[] {
  const folder = join(stacks, name, 'crds');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .sort()
    .flatMap((file) => documentsOf(stacks, join(folder, file)))
    .filter((object): object is CustomResourceDefinition => object?.kind === 'CustomResourceDefinition');
}

function documentsOf(folder: string, file: string): (CustomResourceDefinition | null)[] {
  const documents = [...parseAllDocuments(readFileSync(file, 'utf8'))];
  const error = documents.flatMap(({ errors }) => errors)[0];
  if (error) throw unreadable(folder, file, 'YAML', error);
  return documents.map((document) => document.toJS() as CustomResourceDefinition | null);
}

/** What a parser says in one line, without a stack trace. */
function unreadable(folder: string, file: string, allowed: string, error: unknown): UserError {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n').map((line) => line.trim());
  const got = lines.find((line) => line && !/(:|\d errors?)$/.test(line)) ?? lines[0]!;
  return new UserError('A file cannot be read:', [{ path: `stacks/${relative(folder, file)}`, got, allowed, fix: 'mend the file' }]);
}

function loadModule(folder: string, file: string): { default?: Instance } {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- which instances there are is known at run time only
    return require(file) as { default?: Instance };
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(folder, file, 'a TypeScript module that can be loaded', error);
  }
}

function loadInstance(name: string, folder: string): Instance {
  const { default: instance } = loadModule(folder, join(folder, name, 'instance.ts'));
  if (!instance || instance.name !== name) {
    throw new UserError(`The instance ${name} is not valid:`, [
      {
        path: `stacks/${name}/instance.ts`,
        got: instance ? `an instance named "${instance.name}"` : 'no default export',
        allowed: 'a default export of defineInstance({…}), named like its folder',
        fix: instance ? `write name: '${name}', or rename the folder` : 'write `export default defineInstance({…})`',
      },
    ]);
  }
  const home = resolve(folder, name);
  const logo = resolve(home, instance.brand.logo);
  if (!logo.startsWith(`${home}/`) || !statSync(logo, { throwIfNoEntry: false })?.isFile()) {
    throw new UserError(`The instance ${name} is not valid:`, [
      { path: 'brand.logo', got: JSON.stringify(instance.brand.logo), allowed: `a file below stacks/${name}/`, fix: 'add the file, or correct the path' },
    ]);
  }
  checkOperators(instance, loadOperators(home));
  return instance;
}
