import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** What can be made again: `$DATALAB_CACHE`, else `$XDG_CACHE_HOME/datalab-stacks`, else `~/.cache/datalab-stacks`. */
export function cacheDirectory(): string {
  const { DATALAB_CACHE, XDG_CACHE_HOME } = process.env;
  return resolve(DATALAB_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'datalab-stacks'));
}
