import { execFileSync } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { exitCodes, UserError } from '../../model/errors';

const oldest = 17;

let found: { home: string; version: number } | undefined;

/** The Java of JAVA_HOME, else of the PATH. @throws UserError when there is none, or it is older than 17 */
export function java(): { home: string; version: number } {
  found ??= find();
  return found;
}

function find(): { home: string; version: number } {
  const places = [...(process.env.JAVA_HOME ? [join(process.env.JAVA_HOME, 'bin')] : []), ...(process.env.PATH ?? '').split(delimiter)];
  const binary = places.map((place) => join(place, 'java')).find(isExecutable);
  if (!binary) throw problem('there is no `java` on the PATH');
  const home = dirname(dirname(realpathSync(binary)));
  const version = Number(/^\s*java\.specification\.version = (\d+)/m.exec(settings(binary))?.[1] ?? 0);
  if (version < oldest) throw problem(`${binary} is Java ${version || 'of an unknown version'}`);
  return { home, version };
}

/** `java -XshowSettings` prints on standard error. */
function settings(binary: string): string {
  return execFileSync('/bin/sh', ['-c', '"$0" -XshowSettings:properties -version 2>&1', binary], { encoding: 'utf8' });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function problem(got: string): UserError {
  return new UserError('Keycloak needs Java.', [{
    path: 'java', got, allowed: `Java ${oldest} or newer`, fix: 'install a JRE from your distribution (apt-get install default-jre-headless) or from adoptium.net',
  }], exitCodes.failed);
}
