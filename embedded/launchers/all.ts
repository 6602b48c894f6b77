import { keycloak } from './keycloak';
import type { Launcher } from './launcher';
import { minio } from './minio';
import { postgres } from './postgres';
import { vault } from './vault';

/** Modules that export further launchers as `launchers`, separated by colons. */
const further = (process.env.DATALAB_LAUNCHERS ?? '').split(':').filter(Boolean);

export const launchers: readonly Launcher[] = [
  postgres, keycloak, minio, vault,
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  ...further.flatMap((path) => (require(path) as { launchers: Launcher[] }).launchers),
];

/** The launcher of an image reference, with or without registry, tag and digest. */
export function launcherFor(image: string): Launcher | undefined {
  const repository = image.replace(/@.*$/, '').replace(/:[^/]*$/, '');
  return launchers.find(({ repositories }) => repositories.some((each) => repository === each || repository.endsWith(`/${each}`)));
}
