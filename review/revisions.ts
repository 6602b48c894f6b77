import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../model/cache';
import { exitCodes, UserError, type Problem } from '../model/errors';
import type { Posture } from '../model/instance';
import type { Progress } from '../model/progress';
import type { Rendered } from './diff';
import { Repository, type Revision } from './git';
import { renditions, stacksAt } from './rendered';

/** How many renders are kept, 1 MB each. */
const most = 50;

/** How long a revision may take to render; it takes a second. */
const patience = 120_000;

/** One side of a comparison. */
export interface Side {
  /** As a person names it: `main at 1a2b3c4d5e6f (merge base)`, `the working files`, `what is in out/paris`. */
  readonly label: string;
  /** Of a revision: equal content, equal render. */
  readonly content?: string;
  readonly stacks: readonly Rendered[];
}

export interface SideOptions {
  /** Branch, tag or commit. @default the merge base of head and the default branch */
  readonly base?: string;
  /** Branch, tag or commit; `worktree`: the files as they are. @default worktree */
  readonly head?: string;
  /** A directory or file that `datalab render` wrote, in the place of base. @default none */
  readonly from?: string;
  /** The same in the place of head. @default none */
  readonly to?: string;
  /** Of rendered trees that do not say it. @default they must say it */
  readonly posture?: Posture;
  /** The checkout. @default the one that this file is in */
  readonly root?: string;
}

/**
 * What is compared: revisions, all stacks as each renders them with its own code, or rendered trees. A revision that was rendered before
 * is read from the cache. @throws UserError when one cannot be found or does not render.
 */
export async function sidesOf(options: SideOptions, progress: Progress): Promise<{ before: Side; after: Side }> {
  const { from, to, posture } = options;
  const tree = (directory: string, flag: string): Side => ({ label: `what is in ${directory}`, stacks: stacksAt(directory, flag, posture) });
  const given = { before: from === undefined ? undefined : tree(from, '--from'), after: to === undefined ? undefined : tree(to, '--to') };
  if (given.before && given.after) return { before: given.before, after: given.after };
  return inDraft(async (draft, signal) => {
    const root = options.root ?? dirname(__dirname);
    const repository = new Repository(root, draft);
    const named = given.after || (options.head ?? 'worktree') === 'worktree' ? undefined : repository.commit(options.head!, '--head');
    const wanted = [
      ...(given.before ? [] : [options.base === undefined ? repository.mergeBase(named?.commit ?? 'HEAD') : repository.commit(options.base, '--base')]),
      ...(given.after ? [] : [named ?? repository.workingFiles()]),
    ].map((revision) => ({ ...revision, content: repository.contentOf(revision) }));
    const kept = new Map(wanted.map(({ content }) => [content, readKnown(content)]));
    const missing = wanted.filter(({ content }) => !kept.get(content));
    const fresh = missing.length ? await progress.step(`render ${missing.map(({ label }) => label).join(' and ')}`, (tell) => renderAll(repository, missing, { root, draft, signal, tell })) : undefined;
    const sides = wanted.map(({ label, content }): Side => ({ label, content, stacks: stacksOf(fresh?.get(content) ?? kept.get(content), label) }));
    return { before: given.before ?? sides[0]!, after: given.after ?? sides.at(-1)! };
  });
}

type Wanted = Revision & { readonly content: string };

interface Context {
  readonly root: string;
  readonly draft: string;
  readonly signal: AbortSignal;
  readonly tell: (detail: string) => void;
}

/** What each of them renders to, by its content; it is kept. */
async function renderAll(repository: Repository, missing: readonly Wanted[], context: Context): Promise<ReadonlyMap<string, unknown>> {
  const outcomes = await Promise.all(
    [...new Map(missing.map((each) => [each.content, each])).values()].map(async (revision) => {
      const directory = join(context.draft, revision.content);
      repository.checkOut(revision, directory);
      await addModules(directory, revision, context);
      const outcome = await run(directory, revision, context.signal);
      stacksOf(outcome, revision.label);
      writeFileSync(`${directory}.json`, JSON.stringify(outcome));
      renameSync(`${directory}.json`, known(revision.content));
      return [revision.content, outcome] as const;
    }),
  );
  prune();
  return new Map(outcomes);
}

/** The npm packages of this checkout where they are the locked ones, else those that the revision locks. */
async function addModules(directory: string, { label }: Revision, { root, signal, tell }: Context): Promise<void> {
  const lock = (folder: string) => (existsSync(join(folder, 'package-lock.json')) ? readFileSync(join(folder, 'package-lock.json'), 'utf8') : '');
  if (lock(directory) === lock(root)) return symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  tell('install its npm packages');
  const settings = ['HOME', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'NODE_EXTRA_CA_CERTS', 'npm_config_registry', 'NPM_CONFIG_REGISTRY'];
  try {
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: directory, env: environment(settings), signal, maxBuffer: 64 * 2 ** 20 });
  } catch (error) {
    throw failed(label, 'its npm packages cannot be installed', (error as { stderr?: string }).stderr, 'npm says why; it must reach a registry, or compare revisions with the same package-lock.json');
  }
}

/** What the renderer of a revision writes, in a process of its own that is given no secret. */
async function run(directory: string, { label }: Revision, signal: AbortSignal): Promise<unknown> {
  const renderer = join(directory, 'review/renderer.ts');
  if (!existsSync(renderer)) {
    throw failed(label, 'it is older than `datalab diff` and has no review/renderer.ts', undefined, 'name a later --base, or render it with its own datalab and compare with --from DIR --to DIR');
  }
  const out = join(directory, '.rendered.json');
  try {
    await promisify(execFile)(process.execPath, ['--import', join(directory, 'node_modules/tsx/dist/loader.mjs'), renderer, out], {
      cwd: directory, env: environment([]), signal, timeout: patience, killSignal: 'SIGKILL', maxBuffer: 64 * 2 ** 20,
    });
  } catch (error) {
    const { killed, stderr } = error as { killed?: boolean; stderr?: string };
    throw failed(label, killed ? `it has not rendered in ${patience / 1000} s` : 'its code fails', stderr, 'mend it; `npm run typecheck` may say more');
  }
  const outcome = json(out);
  if (outcome === undefined) throw failed(label, 'its renderer wrote no JSON', undefined, 'see review/renderer.ts there');
  return outcome;
}

/** No token, no kubeconfig, no passphrase: whoever wrote the revision decides what its code does. */
function environment(more: readonly string[]): Record<string, string> {
  const names = ['PATH', 'TMPDIR', ...more];
  return { LC_ALL: 'C.UTF-8', ...Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))) };
}

function stacksOf(outcome: unknown, label: string): readonly Rendered[] {
  const { rendered, title, problems } = outcome as { rendered?: unknown; title?: string; problems?: readonly Problem[] };
  if (problems) throw new UserError(`Of ${label}: ${String(title)}`, problems.map(({ path, got, allowed, fix }) => ({ path: String(path), got: String(got), allowed: String(allowed), fix: String(fix) })));
  return renditions(rendered, label);
}

function failed(label: string, reason: string, said: string | undefined, fix: string): UserError {
  const lines = said?.split('\n').map((each) => each.trim()) ?? [];
  const line = lines.find((each) => /^\w*Error\b/.test(each)) ?? lines.find((each) => /error/i.test(each)) ?? '';
  return new UserError('A revision cannot be rendered:', [{ path: label, got: `${reason}${line && `: ${line.slice(0, 200)}`}`, allowed: 'a revision whose stacks render', fix }], exitCodes.failed);
}

function store(): string {
  const directory = join(cacheDirectory(), 'renders');
  mkdirSync(directory, { recursive: true });
  return directory;
}

function known(content: string): string {
  return join(store(), `${content}.json`);
}

/** What an earlier render wrote, which counts as used now. */
function readKnown(content: string): unknown {
  const outcome = json(known(content));
  if (outcome !== undefined) utimesSync(known(content), new Date(), new Date());
  return outcome;
}

function json(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Keeps the renders that were used last, and removes what killed commands left an hour ago. */
function prune(): void {
  const age = (name: string) => Date.now() - (statSync(join(store(), name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const names = readdirSync(store()).map((name) => ({ name, age: age(name) })).sort((a, b) => a.age - b.age);
  const old = [...names.filter(({ name }) => name.endsWith('.json')).slice(most), ...names.filter((each) => each.name.startsWith('draft-') && each.age > 3_600_000)];
  for (const { name } of old) rmSync(join(store(), name), { recursive: true, force: true });
}

/** Work in a directory that is gone afterwards, also after a failure or Ctrl-C. */
async function inDraft<T>(work: (directory: string, signal: AbortSignal) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(store(), 'draft-'));
  const aborter = new AbortController();
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const interrupt = (signal: NodeJS.Signals) => {
    aborter.abort();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('exit', remove).on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await work(directory, aborter.signal);
  } finally {
    aborter.abort();
    process.off('exit', remove).off('SIGINT', interrupt).off('SIGTERM', interrupt);
    remove();
  }
}
