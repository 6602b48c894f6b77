import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError, type Kube, type KubeObject } from './kube';

/**
 * Calls `handle` for every object of the collection, now and whenever it changes. When the server goes away, or an
 * object could not be handled, it begins anew after a pause that grows to 5 seconds.
 */
export async function follow(
  kube: Kube,
  path: string,
  handle: (object: KubeObject) => Promise<void>,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let pause = 100;
  while (!signal.aborted) {
    const round = new AbortController();
    const end = () => round.abort();
    signal.addEventListener('abort', end, { once: true });
    const failed = (error: Error) => {
      log(`${path}: ${error.message}; again in ${pause} ms`);
      end();
    };
    await kube.watch(path, (type, object) => {
      if (type === 'ERROR') failed(new Error(String(object.message)));
      else if (type === 'ADDED' || type === 'MODIFIED') {
        handle(object).then(() => { pause = 100; }, (error: Error) => isHandled(error) || failed(error));
      }
    }, round.signal).catch(failed);
    signal.removeEventListener('abort', end);
    if (!signal.aborted) await sleep(pause, undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 2, 5000);
  }
}

/** The volume exists already: an earlier event of the same claim. */
function isHandled(error: Error): boolean {
  return error instanceof KubeError && error.reason === 'AlreadyExists';
}
