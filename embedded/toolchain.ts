import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../model/cache';
import { exitCodes, UserError, type Problem } from '../model/errors';
import type { Progress } from '../model/progress';
import { Downloads } from './download';
import { goProblem, goVersionOf, runGo } from './go';
import { toolTable, type BinaryOf, type Tool, type ToolName } from './tools';

/** Binary → absolute path. */
export type Tools<Name extends ToolName = 'etcd' | 'kubernetes' | 'kwok'> = Readonly<Record<BinaryOf<Name>, string>>;

export interface ToolchainOptions {
  /** Replaces an address of a publisher. Tests use it. @default none is replaced */
  readonly mirror?: (url: string) => string;
}

/**
 * The binaries of the named tools. Each is taken from the directory in DATALAB_TOOLS, else from the cache, else from
 * its publisher's release when the publisher's checksum proves it, else built from its pinned Go module.
 */
export async function ensureTools<Name extends ToolName>(
  names: readonly Name[],
  progress: Progress,
  options: ToolchainOptions = {},
): Promise<Tools<Name>> {
  const downloads = new Downloads();
  const found: Record<string, string> = {};
  for (const name of names) {
    const binaries = Object.keys(toolTable[name].packages);
    const missing = binaries.filter((binary) => !find(name, binary));
    if (missing.length) await install(name, missing, progress, downloads, options);
    for (const binary of binaries) found[binary] = find(name, binary)!;
  }
  return found as Tools<Name>;
}

/** For `doctor`: where each tool is, or how it would be got. Changes nothing. */
export function describeTools(): { name: ToolName; version: string; found: string[]; missing: string[]; how: string }[] {
  return (Object.keys(toolTable) as ToolName[]).map((name) => {
    const { version, packages, buildTime, release }: Tool = toolTable[name];
    const binaries = Object.keys(packages);
    const build = `built from its Go module with Go >= ${goVersionOf(name)} (about ${buildTime} on 2 cores)`;
    return {
      name,
      version,
      found: binaries.flatMap((binary) => find(name, binary) ?? []),
      missing: binaries.filter((binary) => !find(name, binary)),
      how: release ? `downloaded from ${new URL(release(binaries[0]!, 'amd64').url).host}, else ${build}` : build,
    };
  });
}

/** Where the binary is now, in the user's directory or the cache; undefined when it has to be got. */
export function toolPath<Name extends ToolName>(name: Name, binary: BinaryOf<Name>): string | undefined {
  return find(name, binary);
}

function find(name: ToolName, binary: string): string | undefined {
  const given = process.env.DATALAB_TOOLS;
  const places = [...(given ? [resolve(given)] : []), cached(name)];
  return places.map((place) => join(place, binary)).find(isExecutable);
}

function cached(name: ToolName): string {
  return join(cacheDirectory(), `${name}-${toolTable[name].version}`, 'bin');
}

async function install(
  name: ToolName,
  binaries: string[],
  progress: Progress,
  downloads: Downloads,
  options: ToolchainOptions,
): Promise<void> {
  const title = `${name} ${toolTable[name].version}`;
  const given = process.env.DATALAB_TOOLS;
  const problems: Problem[] = [{
    path: `${title}: DATALAB_TOOLS`,
    got: given ? `${given} without ${binaries.join(', ')}` : 'not set',
    allowed: `a directory with ${binaries.join(', ')}`,
    fix: 'put the binaries into a directory and set DATALAB_TOOLS',
  }];
  try {
    return await intoCache(name, (draft) => download(name, binaries, draft, progress, downloads, options));
  } catch (error) {
    const reason = (error as Error).message;
    progress.note(`${title} is not downloaded: ${reason}`);
    problems.push({
      path: `${title}: release`,
      got: reason,
      allowed: "the publisher's release, proven by the publisher's checksum",
      fix: 'let this computer reach the publisher, or use one of the other ways',
    });
  }
  try {
    await intoCache(name, (draft) => build(name, binaries, draft, progress));
  } catch (error) {
    const otherwise = 'put the binaries into a directory and set DATALAB_TOOLS';
    problems.push(goProblem(name, `${title}: Go module`, (error as Error).message, otherwise));
    throw new UserError(`${title} could not be installed.`, problems, exitCodes.failed);
  }
}

async function download(
  name: ToolName,
  binaries: string[],
  draft: string,
  progress: Progress,
  downloads: Downloads,
  { mirror = (url) => url }: ToolchainOptions,
): Promise<void> {
  const { version, release }: Tool = toolTable[name];
  const arch = ({ x64: 'amd64', arm64: 'arm64' } as const)[process.arch as 'x64' | 'arm64'];
  if (!release) throw new Error('its publisher gives no checksum');
  if (!arch || process.platform !== 'linux') throw new Error(`there is none for ${process.platform} on ${process.arch}`);
  for (const binary of binaries) {
    const { url, checksum, member } = release(binary, arch);
    const expected = checksumOf(basename(url), await downloads.text(mirror(checksum)));
    await progress.step(`download ${binary} ${version} from ${new URL(url).host}`, async (tell) => {
      const file = join(draft, member ? `${binary}.tar.gz` : binary);
      const got = await downloads.file(mirror(url), file, tell);
      if (got !== expected) throw new Error(`the checksum of ${basename(url)} is ${got}, its publisher says ${expected}`);
      if (member) {
        await promisify(execFile)('tar', ['-xzf', file, '-C', draft, `--strip-components=${member.split('/').length - 1}`, member]);
        rmSync(file);
      }
    });
  }
}

function checksumOf(file: string, text: string): string {
  const lines = text.trim().split('\n').map((line) => line.trim().split(/\s+\*?/));
  const line = lines.length === 1 && lines[0]!.length === 1 ? lines[0]! : lines.find(([, name]) => name === file);
  const checksum = line?.[0]?.toLowerCase() ?? '';
  if (!/^[0-9a-f]{64}$/.test(checksum)) throw new Error(`its publisher gives no checksum for ${file}`);
  return checksum;
}

async function build(name: ToolName, binaries: string[], draft: string, progress: Progress): Promise<void> {
  const { version, packages, ldflags = '', tags = '', buildTime }: Tool = toolTable[name];
  const output = binaries.length === 1 ? join(draft, binaries[0]!) : `${draft}/`;
  await progress.step(`build ${name} ${version} from its Go module (about ${buildTime} on 2 cores)`, async (tell) => {
    let count = 0;
    await runGo(
      name,
      ['build', '-v', '-mod=readonly', '-buildvcs=false', '-trimpath', '-tags', tags, '-ldflags', `-s -w ${ldflags}`, '-o', output,
        ...binaries.map((binary) => packages[binary]!)],
      (line) => tell(line.includes(' ') ? line : `${++count} packages, ${line}`),
    );
  });
}

/** Fills a draft directory and moves its binaries into the cache, each with one rename. */
async function intoCache(name: ToolName, fill: (draft: string) => Promise<void>): Promise<void> {
  const cache = cacheDirectory();
  mkdirSync(cached(name), { recursive: true });
  removeOldDrafts(cache);
  const draft = mkdtempSync(join(cache, 'draft-'));
  try {
    await fill(draft);
    for (const binary of readdirSync(draft)) {
      chmodSync(join(draft, binary), 0o755);
      renameSync(join(draft, binary), join(cached(name), binary));
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Interrupted installs leave a draft; one older than a day is nobody's. */
function removeOldDrafts(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith('draft-'))) {
    const age = Date.now() - (statSync(join(cache, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 24 * 60 * 60 * 1000) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
