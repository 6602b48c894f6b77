import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../model/cache';

/** A directory in the cache that is gone afterwards: what is complete is moved out of it with one rename. */
export async function inDraft<T>(work: (draft: string) => Promise<T>): Promise<T> {
  mkdirSync(cacheDirectory(), { recursive: true });
  const draft = mkdtempSync(join(cacheDirectory(), 'draft-'));
  try {
    return await work(draft);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
