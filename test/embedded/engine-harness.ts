import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import * as kubernetes from '@pulumi/kubernetes';
import { LocalWorkspace, PulumiCommand, type EngineEvent, type OutputMap } from '@pulumi/pulumi/automation';

/** What one run of the engine did and showed. */
export interface Run {
  readonly error: string | undefined;
  /** Steps by operation, without the stack and the provider: `{ create: ['ns/configmap/a'] }`. */
  readonly steps: Record<string, string[]>;
  /** Messages of severity warning and error. */
  readonly diagnostics: readonly string[];
  /** Every path that the detailed diffs name, by resource. */
  readonly changed: Record<string, string[]>;
  /** All that a person or a log could see. */
  readonly shown: string;
  readonly outputs: OutputMap;
}

type Program = () => Promise<Record<string, unknown> | void>;

export interface Engine {
  run(kind: 'preview' | 'up' | 'refresh' | 'preview-refresh' | 'destroy', program?: Program, signal?: AbortSignal): Promise<Run>;
  stateFiles(): string;
  close(): void;
}

/** The real engine with a state of its own in a temporary directory, attached to plugins that are already served: name → port. */
export async function startEngine(pulumiBinary: string, plugins: () => Record<string, number>): Promise<Engine> {
  const home = mkdtempSync(join(tmpdir(), 'datalab-engine-'));
  for (const part of ['bin', 'state', 'work']) mkdirSync(join(home, part));
  symlinkSync(pulumiBinary, join(home, 'bin', 'pulumi'));
  let program: Program = async () => undefined;
  const environment = {
    PULUMI_BACKEND_URL: `file://${join(home, 'state')}`,
    PULUMI_CONFIG_PASSPHRASE: 'only in this test',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: 'true',
  };
  const stack = await LocalWorkspace.createOrSelectStack(
    { stackName: 'test.local', projectName: 'datalab', program: () => program() },
    {
      workDir: join(home, 'work'),
      pulumiHome: join(home, 'home'),
      pulumiCommand: await PulumiCommand.get({ root: home }),
      secretsProvider: 'passphrase',
      envVars: environment,
    },
  );

  return {
    async run(kind, next, signal) {
      if (next) program = next;
      const attached = Object.entries(plugins()).map(([name, port]) => `${name}:${port}`);
      stack.workspace.envVars.PULUMI_DEBUG_PROVIDERS = attached.join(',');
      const events: EngineEvent[] = [];
      const output: string[] = [];
      const print = (text: string) => output.push(text);
      const options = {
        onEvent: (event: EngineEvent) => events.push(event),
        onOutput: print,
        onError: print,
        color: 'never' as const,
        signal,
      };
      let error: string | undefined;
      let outputs: OutputMap = {};
      try {
        if (kind === 'preview') await stack.preview(options);
        if (kind === 'up') ({ outputs } = await stack.up(options));
        if (kind === 'refresh') await stack.refresh(options);
        if (kind === 'preview-refresh') await stack.previewRefresh(options);
        if (kind === 'destroy') await stack.destroy(options);
      } catch (failure) {
        error = failure instanceof Error ? failure.message : String(failure);
      }
      return { error, outputs, ...summary(events), shown: [...output, error, JSON.stringify(events.filter(isShown))].join('\n') };
    },
    stateFiles: () => textOf(join(home, 'state')),
    close: () => rmSync(home, { recursive: true, force: true }),
  };
}

function summary(events: EngineEvent[]): Pick<Run, 'steps' | 'diagnostics' | 'changed'> {
  const steps: Record<string, string[]> = {};
  const changed: Record<string, string[]> = {};
  const diagnostics: string[] = [];
  for (const event of events) {
    const done = event.resOutputsEvent?.metadata;
    if (done && !done.type.startsWith('pulumi:')) {
      const name = done.urn.split('::').pop()!;
      (steps[done.op] ??= []).push(name);
      changed[name] = [...new Set([...(changed[name] ?? []), ...Object.keys(done.detailedDiff ?? {})])];
    }
    const message = event.diagnosticEvent;
    if (message && ['warning', 'error', 'info#err'].includes(message.severity) && !message.ephemeral)
      diagnostics.push(message.message);
  }
  for (const names of Object.values(steps)) names.sort();
  return { steps, diagnostics, changed };
}

function textOf(directory: string): string {
  return readdirSync(directory, { withFileTypes: true })
    .map((entry) =>
      entry.isDirectory() ? textOf(join(entry.parentPath, entry.name)) : readFileSync(join(entry.parentPath, entry.name), 'utf8'),
    )
    .join('\n');
}

let provider: kubernetes.Provider;

/** The provider of a program; call it first in each program. */
export function useProvider(): void {
  provider = new kubernetes.Provider('kubernetes', { clusterIdentifier: 'test', kubeconfig: '{}' });
}

/** Registers an object as the provisioning does: generic, by its own apiVersion and kind. */
export function register(
  object: Record<string, any>,
  options: pulumi.CustomResourceOptions = {},
  name = nameOf(object),
): pulumi.CustomResource & { metadata: pulumi.Output<any> } {
  const { apiVersion, kind } = object;
  const token = `kubernetes:${apiVersion === 'v1' ? 'core/v1' : apiVersion}:${kind}`;
  return new KubernetesObject(token, name, object, { provider, ...options });
}

function nameOf({ kind, metadata }: Record<string, any>): string {
  return [metadata.namespace, kind.toLowerCase(), metadata.name].filter(Boolean).join('/');
}

class KubernetesObject extends pulumi.CustomResource {
  declare readonly metadata: pulumi.Output<any>;
  constructor(token: string, name: string, object: Record<string, any>, options: pulumi.CustomResourceOptions) {
    super(token, name, { metadata: undefined, ...object }, options);
  }
}

/** Events of severity debug hold plain secrets by the engine's own design, and are shown to nobody. */
function isShown(event: EngineEvent): boolean {
  return (event.diagnosticEvent?.severity as string | undefined) !== 'debug';
}
