import { setTimeout as sleep } from 'node:timers/promises';
import type { Kube, KubeObject } from '../kube';

/** What the API server has in a collection, kept up to date. */
export class Collection {
  readonly objects = new Map<string, KubeObject>();
  /** It was complete at least once. */
  complete = false;

  constructor(
    private readonly kube: Kube,
    private readonly path: string,
    private readonly changed: () => void,
    private readonly log: (line: string) => void,
  ) {}

  /** Follows the collection until `signal` aborts; begins anew, after a pause that grows to 5 seconds, when the server goes away. */
  async follow(signal: AbortSignal): Promise<void> {
    let pause = 100;
    while (!signal.aborted) {
      const seen = new Set<string>();
      let initial = true;
      const onEvent = (type: string, object: KubeObject) => {
        const { uid = '' } = object.metadata ?? {};
        if (type === 'ERROR') this.log(`${this.path}: ${String(object.message)}`);
        else if (type === 'BOOKMARK') {
          if (object.metadata.annotations?.['k8s.io/initial-events-end'] !== 'true') return;
          for (const known of this.objects.keys()) if (!seen.has(known)) this.objects.delete(known);
          initial = false;
          pause = 100;
          this.complete = true;
        } else if (type === 'DELETED') this.objects.delete(uid);
        else {
          this.objects.set(uid, object);
          if (initial) seen.add(uid);
        }
        if (!initial) this.changed();
      };
      const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
      const separator = this.path.includes('?') ? '&' : '?';
      await this.kube.watch(`${this.path}${separator}${query}`, onEvent, signal).catch((error: Error) => this.log(`${this.path}: ${error.message}; again in ${pause} ms`));
      if (!signal.aborted) await sleep(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, 5000);
    }
  }
}
