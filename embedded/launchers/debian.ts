import { execFile } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../model/cache';
import type { Progress } from '../../model/progress';
import { inDraft } from './draft';

/** A package of the distribution, unpacked without root. */
export interface DebianPackage {
  /** For the cache and for people: `postgresql`. */
  readonly name: string;
  /** The first that the distribution has is taken. */
  readonly candidates: readonly string[];
  /** Which of the packages that it brings along are needed, beside libraries. */
  readonly programs: RegExp;
}

/** Where an unpacked package is, as if `root` were /. */
export interface Unpacked {
  readonly root: string;
  /** Directories of libraries below `root`, for LD_LIBRARY_PATH. */
  readonly libraries: readonly string[];
}

/** Libraries but those of libc, which must be of one build with this computer's loader, and Perl's. */
const library = /^(lib(?!c\d|c-|perl|.*-perl$)|zlib)/;

/** The package in the cache; undefined when it has to be got. */
export function unpackedPackage({ name }: DebianPackage): Unpacked | undefined {
  const root = target(name);
  if (!existsSync(root)) return undefined;
  const libraries = ['lib', 'usr/lib'].flatMap((folder) => list(join(root, folder)).filter((each) => each.includes('-linux-gnu')).map((each) => join(folder, each)));
  return { root, libraries };
}

/**
 * Gets the package and the libraries that it needs through apt, which checks their signatures as this computer is
 * configured, with lists and a cache of its own: no root, and nothing of the system changes. `arrange` finishes what the
 * package's own scripts would have done. @throws Error with apt's reason
 */
export async function unpackPackage({ name, candidates, programs }: DebianPackage, progress: Progress, arrange: (root: string) => void = () => undefined): Promise<void> {
  await inDraft((draft) => progress.step(`unpack the distribution's package of ${name} into the cache`, async (tell) => {
    const apt = aptIn(draft);
    tell('the lists of packages');
    const warnings = await apt('update');
    const names = await firstOf(candidates, apt).catch((error: Error) => {
      throw new Error(warnings || error.message);
    });
    const wanted = names.filter((each) => library.test(each) || programs.test(each));
    tell(`download ${wanted.length} packages`);
    await apt('download', ...wanted);
    const root = join(draft, 'root');
    for (const file of list(draft).filter((each) => each.endsWith('.deb'))) {
      tell(file);
      await run('dpkg-deb', ['-x', join(draft, file), root]);
    }
    relink(root);
    arrange(root);
    rmSync(target(name), { recursive: true, force: true });
    renameSync(root, target(name));
  }));
}

/** Runs apt-get with a state of its own; its answer is what it printed, or its warnings for `update`. */
function aptIn(draft: string): (...args: string[]) => Promise<string> {
  for (const folder of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(draft, folder), { recursive: true });
  // Nothing counts as installed, so that the answer holds everything that is needed and does not age with the system.
  writeFileSync(join(draft, 'state', 'status'), '');
  writeFileSync(join(draft, 'apt.conf'), `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "${draft}/state";
Dir::State::status "${draft}/state/status";
Dir::Cache "${draft}/cache";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
`);
  return async (...args) => {
    const { stdout, stderr } = await run('apt-get', ['-c', join(draft, 'apt.conf'), '-q', ...args], { cwd: draft, env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 2 ** 24 }).catch((error: Error & { code?: string; stderr?: string }) => {
      throw new Error(error.code === 'ENOENT' ? 'there is no apt-get' : firstReason(error.stderr ?? '') || error.message);
    });
    return args[0] === 'update' ? firstReason(stderr) : stdout;
  };
}

/** Names of all packages that the first candidate which is there needs, itself included. */
async function firstOf(candidates: readonly string[], apt: (...args: string[]) => Promise<string>): Promise<string[]> {
  let reason = '';
  for (const candidate of candidates) {
    try {
      const planned = await apt('install', '--simulate', candidate);
      return [...planned.matchAll(/^Inst (\S+)/gm)].map(([, each]) => each!);
    } catch (error) {
      reason ||= (error as Error).message;
    }
  }
  throw new Error(reason);
}

function firstReason(stderr: string): string {
  return /^[EW]: (?:Failed to fetch )?(.*)$/m.exec(stderr)?.[1] ?? '';
}

/** Links to absolute paths lead to files below `root` where they are there. */
function relink(root: string): void {
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const path = join(root, entry);
    if (!lstatSync(path).isSymbolicLink()) continue;
    const to = readlinkSync(path);
    if (!to.startsWith('/') || !existsSync(join(root, to))) continue;
    rmSync(path);
    symlinkSync(relative(dirname(path), join(root, to)), path);
  }
}

function target(name: string): string {
  return join(cacheDirectory(), `${name}-package`);
}

function list(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}

const run = promisify(execFile);
