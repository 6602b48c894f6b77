import { compose } from '../../constructs/compose';
import { entriesOf } from '../../constructs/objects';
import type { Progress } from '../../model/progress';
import type { Stack } from '../../model/stack';
import { launcherFor, launchers } from './all';

/** Gets what the containers of the stack need that have a launcher; at once when it is there. @throws UserError */
export async function installLaunchers(stack: Stack, progress: Progress): Promise<void> {
  for (const { image, env } of containersOf(stack)) await launcherFor(image)?.install(env, progress);
}

/** For `doctor`: what each launcher runs, or how it is got. Changes nothing. */
export function describeLaunchers(): { name: string; found?: string; how: string }[] {
  return launchers.map(({ name, runs, how }) => ({ name, how, ...(runs() ? { found: runs() } : {}) }));
}

interface ContainerSpec {
  readonly image: string;
  readonly env?: readonly { name: string; value?: string }[];
}

/** Images of the stack's workloads, with the part of their environment that stands in the manifest. */
export function containersOf(stack: Stack): { image: string; env: Record<string, string> }[] {
  return entriesOf(compose(stack)).flatMap(({ object }) => {
    const { template } = (object.spec ?? {}) as { template?: { spec?: { containers?: ContainerSpec[] } } };
    return (template?.spec?.containers ?? []).map(({ image, env = [] }) => ({
      image,
      env: Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
    }));
  });
}
