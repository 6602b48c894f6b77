import { writeFileSync } from 'node:fs';
import { UserError } from '../model/errors';
import { loadStack, stackNames } from '../model/stack';
import { renditionOf } from './render';

/**
 * A program that `datalab diff` runs in a checkout of a revision: all stacks, as that revision renders them, into the file that it is
 * given. The file is data: `review/revisions.ts` of another revision reads it, so its form may grow and not change.
 */
function outcome(): object {
  try {
    return { rendered: stackNames().map((name) => renditionOf(loadStack(name))) };
  } catch (error) {
    if (error instanceof UserError) return { title: error.title, problems: error.problems };
    throw error;
  }
}

writeFileSync(process.argv[2]!, JSON.stringify(outcome()));
