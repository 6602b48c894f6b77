import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineEvent, Stack as PulumiStack } from '@pulumi/pulumi/automation';
import { exitCodes, UserError, type Problem } from '../model/errors';
import type { Platform } from '../constructs/platform';
import { loadAutomation } from './automation';
import { nameOf, startTimeOf } from './proc';
import { readText, writeAtomic, type RegionState } from './state';

export type Operation = 'preview' | 'up' | 'refresh' | 'destroy';

/** What an operation did, or would do, to the platform's objects. */
export interface Changes {
  readonly create: number;
  readonly update: number;
  readonly delete: number;
  readonly same: number;
}

export interface EngineProps {
  readonly platform: Platform;
  readonly state: RegionState;
  /** The Pulumi engine. */
  readonly pulumi: string;
  /** A `plugins` folder of a Pulumi home. @default none: the environment says where plugins are */
  readonly pluginFolder?: string;
  /** Extra environment: how the engine finds plugins and the cluster. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly changes: Changes;
  /** `create keycloak/service/keycloak`, one for each object that changes, in the order of the engine. */
  readonly changed: readonly string[];
  /** URNs of all that is created, also of what Pulumi alone knows. */
  readonly creations: readonly string[];
}

/** Opens the Pulumi stack of an embedded region: state, passphrase and seed live in the region's directory. */
export async function openStack({ platform, state, pulumi, pluginFolder, env }: EngineProps): Promise<PulumiStack> {
  const dir = state.file('pulumi');
  for (const part of ['backend', 'home', 'work', 'bin']) mkdirSync(join(dir, part), { recursive: true, mode: 0o700 });
  // The Automation API looks for <root>/bin/pulumi.
  rmSync(join(dir, 'bin', 'pulumi'), { force: true });
  symlinkSync(pulumi, join(dir, 'bin', 'pulumi'));
  rmSync(join(dir, 'home', 'plugins'), { force: true, recursive: true });
  if (pluginFolder) symlinkSync(pluginFolder, join(dir, 'home', 'plugins'));
  const passphrase = join(dir, 'passphrase');
  if (!existsSync(passphrase)) writeAtomic(passphrase, randomBytes(32).toString('base64url'));
  clearDeadRuns(join(dir, 'backend'));
  // Loading Pulumi takes a second, which commands without an engine need not wait for.
  const { LocalWorkspace, PulumiCommand } = await loadAutomation();
  const { deploy } = await import('../provision/deploy');
  const opened = await LocalWorkspace.createOrSelectStack(
    { stackName: platform.stack.name, projectName: 'datalab', program: async () => deploy(platform) },
    {
      workDir: join(dir, 'work'),
      pulumiHome: join(dir, 'home'),
      pulumiCommand: await PulumiCommand.get({ root: dir }),
      secretsProvider: 'passphrase',
      envVars: {
        // Without the files of attributes beside: those are not written at once, and a run that is killed would leave half of one.
        PULUMI_BACKEND_URL: `file://${join(dir, 'backend')}?metadata=skip`,
        PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
        PULUMI_SKIP_UPDATE_CHECK: 'true',
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
        PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: 'true',
        ...env,
      },
    },
  );
  if (!readText(configFile(state))?.includes('datalab:seed')) await opened.setConfig('datalab:seed', { value: randomBytes(32).toString('base64url'), secret: true });
  return opened;
}

/** The Pulumi configuration of an embedded region. */
export function configFile(state: RegionState): string {
  return state.file('pulumi', 'work', `Pulumi.${state.stack}.yaml`);
}

/**
 * Forgets the seed before this one, with which a deployment told the servers of their new passwords, and the records of earlier
 * deployments, which hold it encrypted. Whether there was one: then the values derived from it are still deployed.
 */
export async function forgetPreviousSeed(opened: PulumiStack, state: RegionState): Promise<boolean> {
  if (!readText(configFile(state))?.includes('datalab:previousSeed')) return false;
  await opened.removeConfig('datalab:previousSeed');
  rmSync(state.file('pulumi', 'backend', '.pulumi', 'history'), { recursive: true, force: true });
  return true;
}

/**
 * Runs one operation of the engine and tells what it does.
 * @throws UserError with what failed and why; the work done until then is kept, and the next run continues.
 */
export async function run(opened: PulumiStack, operation: Operation, tell: (detail: string) => void): Promise<Outcome> {
  const problems: Problem[] = [];
  const changed: string[] = [];
  const creations: string[] = [];
  const counts = new Map<string, number>();
  let started = 0;
  let compared = 0;
  const count = (op: string, name: string): void => {
    counts.set(op, (counts.get(op) ?? 0) + 1);
    if (op !== 'same') changed.push(`${op} ${name}`);
  };
  const onEvent = (event: EngineEvent): void => {
    // A refresh knows what changed when it has read an object, the others before they act on it.
    const metadata = (operation === 'refresh' ? event.resOutputsEvent : event.resourcePreEvent)?.metadata;
    const name = metadata && objectName(metadata.urn);
    if (metadata?.op === 'create') creations.push(metadata.urn);
    if (metadata?.op && name) {
      const op = metadata.op === 'refresh' ? 'same' : metadata.op;
      count(op, name);
      if (operation === 'refresh') tell(`compared ${++compared} objects`);
      else if (op !== 'same') tell(`${op} ${name} (${++started})`);
    }
    if (event.diagnosticEvent?.severity === 'error') problems.push(problemOf(event.diagnosticEvent));
    if (event.diagnosticEvent?.severity === 'info' && event.diagnosticEvent.ephemeral) tell(plain(event.diagnosticEvent.message));
  };
  try {
    switch (operation) {
      case 'preview':
        await opened.preview({ onEvent });
        break;
      case 'up':
        await opened.up({ onEvent });
        break;
      case 'refresh':
        await opened.refresh({ onEvent });
        break;
      case 'destroy':
        await opened.destroy({ onEvent, excludeProtected: true });
    }
  } catch (error) {
    throw failure(operation, problems, error);
  }
  return { changes: summed(counts), changed, creations };
}

/** A replacement is one update: the engine tells it as three steps. */
function summed(counts: ReadonlyMap<string, number>): Changes {
  const sum = (...ops: string[]) => ops.reduce((total, op) => total + (counts.get(op) ?? 0), 0);
  return { create: sum('create'), update: sum('update', 'replace'), delete: sum('delete'), same: sum('same') };
}

/** The name of an object of the platform; undefined for the stack itself, its providers and its systems. */
function objectName(urn: string): string | undefined {
  const [, , types, name] = urn.split('::');
  const type = types?.split('$').at(-1) ?? '';
  return type.startsWith('pulumi:') || type.startsWith('datalab:') ? undefined : name;
}

function problemOf({ urn, message }: { urn?: string; message: string }): Problem {
  return {
    path: (urn && urn.split('::').at(-1)) || 'program',
    got: plain(message).replaceAll('\n', '\n             '),
    allowed: 'no error',
    fix: 'mend the cause and run the command again: it continues where it stopped',
  };
}

function failure(operation: Operation, problems: readonly Problem[], error: unknown): UserError {
  // The engine closes with a summary of its own, which says nothing more.
  const told = problems.filter((problem) => problem.path !== 'program' && !/^(preview|update|refresh|destroy) failed$/.test(problem.got.trim()));
  const shown = told.length ? told : problems;
  const message = error instanceof Error ? error.message.split('\n').slice(-30).join('\n') : String(error);
  return new UserError(
    `${operation} failed:`,
    shown.length ? shown : [{ path: 'engine', got: plain(message), allowed: 'no error', fix: 'mend the cause and run the command again' }],
    exitCodes.failed,
  );
}

/** Without the engine's colour marks, terminal codes and trailing space. */
function plain(text: string): string {
  return text.replace(/<\{%[^%]*%\}>/g, '').replace(/\u001b\[[0-9;]*m/g, '').trim();
}

/** Removes the engine's locks of processes that are gone, and what these did not write to the end. @throws UserError while an engine still works on the stack. */
function clearDeadRuns(backend: string): void {
  const files = readdirSync(backend, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of files.filter((each) => each.includes('/.pulumi/locks/') && each.endsWith('.json'))) {
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number };
    if (startTimeOf(pid) && nameOf(pid) === 'pulumi') {
      throw new UserError(
        'A Pulumi engine still works on this stack.',
        [{ path, got: `process ${pid}`, allowed: 'one engine at a time', fix: `wait until it ends, or end it: kill ${pid}` }],
        exitCodes.failed,
      );
    }
    rmSync(path, { force: true });
  }
  for (const path of files.filter((each) => /\.(tmp|attrs)$/.test(each))) rmSync(path, { force: true });
}
