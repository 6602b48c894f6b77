import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, createReadStream, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../model/cache';
import { exitCodes, UserError } from '../../model/errors';
import type { Progress } from '../../model/progress';
import { Downloads } from '../download';
import { unzip } from '../unzip';
import { inDraft } from './draft';
import { ensureJava } from './java';

const run = promisify(execFile);

export const keycloakVersion = '26.7.5';
/** SHA-256 of the publisher's zip, the same on GitHub and as Maven artifact. */
const checksum = '30ef87fb7101c43d29688d1ae80c0588ff4a151b3330e9f664bf9692d398658a';
const release = `https://github.com/keycloak/keycloak/releases/download/${keycloakVersion}/keycloak-${keycloakVersion}.zip`;
const artifact = `org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:zip`;

/** Options that Keycloak compiles into itself, so that a start with other values would build first. */
const buildOptions = /^KC_(DB|DB_DRIVER|TRANSACTION_XA_ENABLED|FEATURES?(_.*)?|HTTP_RELATIVE_PATH|HTTP_MANAGEMENT_RELATIVE_PATH|HTTPS_CLIENT_AUTH|HEALTH_ENABLED|METRICS_ENABLED|TRACING_ENABLED|VAULT|FIPS_MODE)$/;

export interface KeycloakFiles {
  /** The distribution, unpacked. */
  readonly distribution: string;
  /** What goes into its lib/quarkus for some build options. */
  readonly build: string;
}

/** Where the distribution is in the cache, unpacked; undefined when it is not there. */
export function keycloakDistribution(): string | undefined {
  const { distribution } = paths({});
  return existsSync(distribution) ? distribution : undefined;
}

/**
 * The distribution out of the cache, else from the publisher's release, else through Maven; and built once for the
 * build options in the environment, so that servers start in seconds. @throws UserError
 */
export async function ensureKeycloak(env: Readonly<Record<string, string>>, progress: Progress): Promise<KeycloakFiles> {
  const { distribution, build } = paths(env);
  mkdirSync(folder(), { recursive: true });
  const { home, libraries } = await ensureJava(progress);
  if (!existsSync(distribution)) await inDraft((draft) => fetchDistribution(draft, distribution, progress));
  if (!existsSync(build)) {
    await progress.step('build Keycloak for its database and features (about 30 s on 2 cores)', () =>
      inDraft(async (draft) => {
        cpSync(distribution, join(draft, 'keycloak'), { recursive: true, filter: (path) => !path.startsWith(join(distribution, 'data')) });
        await run(join(draft, 'keycloak', 'bin', 'kc.sh'), ['build'], { env: { PATH: process.env.PATH, JAVA_HOME: home, ...(libraries ? { LD_LIBRARY_PATH: libraries } : {}), ...optionsOf(env) }, maxBuffer: 2 ** 24 });
        renameSync(join(draft, 'keycloak', 'lib', 'quarkus'), build);
      }),
    );
  }
  return { distribution, build };
}

function paths(env: Readonly<Record<string, string>>): KeycloakFiles {
  const distribution = join(folder(), 'distribution');
  const options = Object.entries(optionsOf(env)).sort(([a], [b]) => (a < b ? -1 : 1));
  // A container without options runs the command-line tools.
  if (!options.length) return { distribution, build: join(distribution, 'lib', 'quarkus') };
  const digest = createHash('sha256').update(JSON.stringify(options)).digest('hex').slice(0, 12);
  return { distribution, build: join(folder(), `build-${digest}`) };
}

function folder(): string {
  return join(cacheDirectory(), `keycloak-${keycloakVersion}`);
}

function optionsOf(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => buildOptions.test(name)));
}

async function fetchDistribution(draft: string, target: string, progress: Progress): Promise<void> {
  const reasons: string[] = [];
  const ways: [string, (tell: (detail: string) => void) => Promise<void>][] = [
    [`download Keycloak ${keycloakVersion} from its release`, async (tell) => {
      await new Downloads().file(release, join(draft, 'keycloak.zip'), tell);
    }],
    [`fetch Keycloak ${keycloakVersion} with Maven`, async () => {
      await run('mvn', ['--batch-mode', '--quiet', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${draft}`], { cwd: draft });
      renameSync(join(draft, readdirSync(draft).find((name) => name.endsWith('.zip'))!), join(draft, 'keycloak.zip'));
    }],
  ];
  for (const [title, get] of ways) {
    try {
      await progress.step(title, async (tell) => {
        await get(tell);
        const got = await sha256(join(draft, 'keycloak.zip'));
        if (got !== checksum) throw new Error(`its checksum is ${got}, not ${checksum}`);
        unzip(join(draft, 'keycloak.zip'), draft);
        mkdirSync(join(draft, `keycloak-${keycloakVersion}`, 'data'), { recursive: true });
        renameSync(join(draft, `keycloak-${keycloakVersion}`), target);
      });
      return;
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      reasons.push(`${title}: ${(stderr?.trim() || message).split('\n')[0]!}`);
      progress.note(`Keycloak is not there yet: ${reasons.at(-1)}`);
    }
  }
  throw new UserError('Keycloak could not be installed.', [{
    path: `keycloak ${keycloakVersion}`,
    got: reasons.join('; '),
    allowed: "the publisher's release, or the same file through Maven",
    fix: 'let this computer reach github.com, or install Maven 3.6 or newer with a repository that it reaches',
  }], exitCodes.failed);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
