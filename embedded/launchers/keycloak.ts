import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes, UserError } from '../../model/errors';
import { silent } from '../../model/progress';
import { ensureJava, findJava, howJavaIsGot } from './java';
import { ensureKeycloak, keycloakDistribution, keycloakVersion } from './keycloak-dist';
import type { Launcher } from './launcher';

/** Keycloak's own distribution on this computer's Java. */
export const keycloak: Launcher = {
  name: 'keycloak',
  repositories: ['keycloak/keycloak'],
  runs: () => {
    const java = keycloakDistribution() && findJava();
    return java && `Keycloak ${keycloakVersion} on Java ${java.version}`;
  },
  how: `datalab doctor --install: its release, else through Maven; its Java from ${howJavaIsGot}`,
  install: async (env, progress) => void (await ensureKeycloak(env, progress)),
  open: async ({ env, address, memory }) => {
    if (!keycloakDistribution()) throw notInstalled();
    const { distribution, build } = await ensureKeycloak(env, silent);
    const { home, mount, libraries } = await ensureJava(silent);
    const limit = memory ? `-XX:MaxRAM=${memory}` : '';
    return {
      entrypoint: ['/opt/keycloak/bin/kc.sh'],
      command: [],
      user: { name: 'keycloak', uid: 1000, gid: 0, home: '/opt/keycloak' },
      workingDirectory: '/opt/keycloak',
      env: { PATH: '/usr/bin:/bin', KC_RUN_IN_CONTAINER: 'true', JAVA_HOME: home, ...(libraries ? { LD_LIBRARY_PATH: libraries } : {}) },
      forcedEnv: {
        KC_HTTP_HOST: address,
        KC_HTTP_MANAGEMENT_HOST: address,
        JAVA_OPTS_APPEND: [env.JAVA_OPTS_APPEND, limit].filter(Boolean).join(' '),
      },
      files: {
        // One by one, so that a manifest can mount its theme beside them.
        ...Object.fromEntries(readdirSync(distribution).filter((entry) => entry !== 'themes').map((entry) => [`/opt/keycloak/${entry}`, join(distribution, entry)])),
        '/opt/keycloak/lib/quarkus': build,
        ...(mount ? { [mount]: mount } : {}),
      },
      scratch: ['/opt/keycloak/data'],
    };
  },
};

function notInstalled(): UserError {
  return new UserError('Keycloak is not installed.', [{
    path: `keycloak ${keycloakVersion}`, got: 'not in the cache', allowed: 'its distribution in the cache', fix: 'datalab up gets it; or datalab doctor --install',
  }], exitCodes.failed);
}
