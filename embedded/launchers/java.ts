import { execFile, execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../model/cache';
import { exitCodes, UserError } from '../../model/errors';
import type { Progress } from '../../model/progress';
import { Downloads } from '../download';
import { unpackedPackage, unpackPackage, type DebianPackage } from './debian';
import { inDraft } from './draft';
import { authoritiesKeystore } from './keystore';

const oldest = 17;

export interface Java {
  readonly home: string;
  readonly version: number;
  /** What a container needs beside /usr to run it. @default nothing */
  readonly mount?: string;
  /** LD_LIBRARY_PATH of its processes. @default none */
  readonly libraries?: string;
}

/** SHA-256 of the publisher's JRE; the same in the Dockerfile of the official image eclipse-temurin:21.0.12_8-jre. */
const temurin = {
  version: '21.0.12+8',
  checksums: {
    x64: '8a379a67c91a3ae61ffb33d46e0a40c7ba35e70713c4db31cfca30492f792eff',
    aarch64: '5f9c96b656827b9d14ebeda7739e25be554fa6d25669b03847c1df6e869c0679',
  },
} as const;

/** 21 first: what Keycloak's own image has. */
const debian: DebianPackage = {
  name: 'java',
  candidates: [21, 17, 25].map((version) => `openjdk-${version}-jre-headless`),
  programs: /^openjdk-\d+-jre-headless$/,
};

export const howJavaIsGot = `JAVA_HOME or the PATH, else Temurin ${temurin.version}, else the distribution's package unpacked into the cache`;

let found: Java | undefined;

/** The first that is new enough: of JAVA_HOME, the PATH, the cache. */
export function findJava(): Java | undefined {
  return (found ??= search().found);
}

/** The same, or got when it is not there: Temurin's release, else the distribution's package. @throws UserError */
export async function ensureJava(progress: Progress): Promise<Java> {
  const present = findJava();
  if (present) return present;
  const { reasons } = search();
  for (const [title, get] of [["Temurin's release", getTemurin], ["the distribution's package", getPackage]] as const) {
    try {
      await get(progress);
      const got = search();
      if (got.found) return (found = got.found);
      reasons.push(`${title}: ${got.reasons.at(-1)}`);
    } catch (error) {
      reasons.push(`${title}: ${(error as Error).message}`);
    }
    progress.note(`Java is not there yet: ${reasons.at(-1)}`);
  }
  throw problem(reasons);
}

function search(): { found?: Java; reasons: string[] } {
  const reasons: string[] = [];
  const system = [...(process.env.JAVA_HOME ? [join(process.env.JAVA_HOME, 'bin')] : []), ...(process.env.PATH ?? '').split(delimiter)]
    .map((place) => join(place, 'java'))
    .filter(isExecutable)
    .map((binary) => dirname(dirname(realpathSync(binary))))
    .map((home) => ({ home, ...(home.startsWith('/usr/') ? {} : { mount: home }) }));
  if (!system.length) reasons.push('there is no `java` on the PATH');
  const released = existsSync(temurinHome()) ? [{ home: temurinHome(), mount: temurinHome() }] : [];
  for (const place of [...system, ...released, ...packaged()]) {
    const version = versionOf(place);
    if (version >= oldest) return { found: { ...place, version }, reasons };
    reasons.push(`${place.home} is Java ${version || 'that does not start'}`);
  }
  return { reasons };
}

/** What the property `java.specification.version` says; 0 when it does not start. */
function versionOf({ home, libraries }: Omit<Java, 'version'>): number {
  try {
    // It prints on standard error.
    const printed = execFileSync('/bin/sh', ['-c', '"$0" -XshowSettings:properties -version 2>&1', join(home, 'bin', 'java')], {
      encoding: 'utf8', env: { PATH: process.env.PATH, ...(libraries ? { LD_LIBRARY_PATH: libraries } : {}) },
    });
    return Number(/^\s*java\.specification\.version = (\d+)/m.exec(printed)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function temurinHome(): string {
  return join(cacheDirectory(), `temurin-${temurin.version}`);
}

async function getTemurin(progress: Progress): Promise<void> {
  const { version, checksums } = temurin;
  const arch = ({ x64: 'x64', arm64: 'aarch64' } as const)[process.arch as 'x64' | 'arm64'];
  if (!arch) throw new Error(`there is none for ${process.arch}`);
  const file = `OpenJDK21U-jre_${arch}_linux_hotspot_${version.replace('+', '_')}.tar.gz`;
  const url = `https://github.com/adoptium/temurin21-binaries/releases/download/jdk-${encodeURIComponent(version)}/${file}`;
  await inDraft((draft) => progress.step(`download Java (Temurin ${version}) from its release`, async (tell) => {
    const got = await new Downloads().file(url, join(draft, file), tell);
    if (got !== checksums[arch]) throw new Error(`its checksum is ${got}, not ${checksums[arch]}`);
    mkdirSync(join(draft, 'java'));
    await promisify(execFile)('tar', ['-xzf', join(draft, file), '-C', join(draft, 'java'), '--strip-components=1']);
    renameSync(join(draft, 'java'), temurinHome());
  }));
}

function packaged(): Omit<Java, 'version'>[] {
  const unpacked = unpackedPackage(debian);
  if (!unpacked) return [];
  const { root, libraries } = unpacked;
  return homesIn(root).map((home) => ({ home, mount: root, libraries: libraries.map((each) => join(root, each)).join(':') }));
}

async function getPackage(progress: Progress): Promise<void> {
  await unpackPackage(debian, progress, (root) => {
    for (const home of homesIn(root)) {
      const keystore = join(home, 'lib', 'security', 'cacerts');
      rmSync(keystore, { force: true });
      writeFileSync(keystore, authoritiesKeystore());
    }
  });
}

function homesIn(root: string): string[] {
  const folder = join(root, 'usr', 'lib', 'jvm');
  return readdirSync(folder).map((each) => join(folder, each)).filter((home) => isExecutable(join(home, 'bin', 'java')));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function problem(reasons: readonly string[]): UserError {
  return new UserError('Keycloak needs Java.', [{
    path: 'java',
    got: reasons.join('; '),
    allowed: `Java ${oldest} or newer: ${howJavaIsGot}`,
    fix: 'install a JRE (apt-get install default-jre-headless, dnf install java-21-openjdk-headless), or let this computer reach github.com or its distribution\'s packages and call: ./datalab doctor --install',
  }], exitCodes.failed);
}
