import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, realpathSync, statSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../model/errors';

/** A state of the files of a repository. */
export interface Revision {
  /** As a person names it: `main at 1a2b3c4d5e6f`, `the working files`. */
  readonly label: string;
  /** Git's hash of the files. */
  readonly tree: string;
}

/** Top-level entries that rendering does not read, or brings itself: they are not checked out for it, so they cannot matter. */
const without = /^(node_modules|docs|test|bench|cli|embedded|provision|\.(?!npmrc$).*|.*\.md|LICENSE)$/;

/** Git, as far as a comparison needs it. Writes nothing into the repository, its index or its list of worktrees. */
export class Repository {
  private readonly index: string;
  private readonly env: Record<string, string>;

  /**
   * `scratch` is an empty directory, for the index and the objects of the working files.
   * @throws UserError when `root` is not the top of a checkout.
   */
  constructor(private readonly root: string, private readonly scratch: string) {
    const [top, index, objects] = this.try('rev-parse', '--show-toplevel', '--git-path', 'index', '--git-path', 'objects')?.split('\n') ?? [];
    if (!top || realpathSync(top) !== realpathSync(root)) {
      throw new UserError('There are no revisions to compare:', [
        { path: root, got: 'not the top of a git checkout', allowed: 'a clone of the repository', fix: 'clone it with git, or compare two rendered trees: datalab diff --from DIR --to DIR' },
      ]);
    }
    this.index = resolve(root, index!);
    this.env = { GIT_INDEX_FILE: join(scratch, 'index'), GIT_OBJECT_DIRECTORY: join(scratch, 'objects'), GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(root, objects!) };
    mkdirSync(this.env.GIT_OBJECT_DIRECTORY!);
  }

  /** The files as they are, those included that git does not know yet; without those that it ignores. */
  workingFiles(): Revision {
    const index = statSync(this.index, { throwIfNoEntry: false });
    if (index) {
      copyFileSync(this.index, this.env.GIT_INDEX_FILE!);
      // Git reads a file again that is as old as its index: a copy with a later time would hide an edit of the same second.
      utimesSync(this.env.GIT_INDEX_FILE!, index.atime, index.mtime);
    }
    this.run('add', '--all', '--', '.');
    return { label: 'the working files', tree: this.run('write-tree') };
  }

  /** The commit of a branch, a tag or a hash. @throws UserError when there is none; `flag` is where it was named. */
  commit(ref: string, flag: string): Revision & { readonly commit: string } {
    const commit = this.try('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
    if (!commit) {
      throw new UserError('There is nothing to compare with:', [
        { path: flag, got: JSON.stringify(ref), allowed: 'a branch, a tag or a commit of this clone', fix: 'git fetch it first, or correct its name' },
      ]);
    }
    const short = commit.slice(0, 12);
    return { label: short.startsWith(ref) || commit === ref ? short : `${ref} at ${short}`, commit, tree: this.run('rev-parse', `${commit}^{tree}`) };
  }

  /** Where what leads to `commit` left the default branch. @throws UserError when that cannot be told. */
  mergeBase(commit: string): Revision {
    const candidates = ['refs/remotes/origin/HEAD', 'refs/remotes/origin/main', 'refs/remotes/origin/master', 'refs/heads/main', 'refs/heads/master'];
    const there = new Map(this.run('for-each-ref', '--format=%(refname) %(symref)', ...candidates).split('\n').map((line) => line.split(' ') as [string, string]));
    const found = candidates.find((ref) => there.has(ref));
    const branch = found && (there.get(found) || found);
    const base = branch && this.try('merge-base', branch, commit);
    if (!base) {
      throw new UserError('There is nothing to compare with:', [
        {
          path: '--base',
          got: branch ? `no common commit with ${plain(branch)}` : 'no branch main or master, here or at origin',
          allowed: 'a branch, a tag or a commit; without it the merge base with the default branch',
          fix: branch ? 'git fetch --unshallow, or name one with --base' : 'name one with --base',
        },
      ]);
    }
    return { label: `${plain(branch)} at ${base.slice(0, 12)} (merge base)`, tree: this.run('rev-parse', `${base}^{tree}`) };
  }

  /** Hash of everything in a tree that rendering may read. Equal hash, equal render. */
  contentOf({ tree }: Revision): string {
    return createHash('sha256').update(this.entries(tree).map(({ line }) => line).join('\n')).digest('hex');
  }

  /** Writes what rendering may read below `directory`. No hook runs. */
  checkOut({ tree }: Revision, directory: string): void {
    const env = { GIT_INDEX_FILE: join(this.scratch, `index-${tree}`) };
    const files = this.git(['ls-tree', '-r', '-z', '--name-only', tree, '--', ...this.entries(tree).map(({ name }) => name)]);
    this.git(['read-tree', tree], { env });
    this.git(['checkout-index', '-z', '--stdin', `--prefix=${directory}/`], { env, input: files });
  }

  private entries(tree: string): { name: string; line: string }[] {
    return this.git(['ls-tree', '-z', tree])
      .split('\0')
      .flatMap((line) => {
        const name = line.slice(line.indexOf('\t') + 1);
        return line && !without.test(name) ? [{ name, line }] : [];
      });
  }

  private run(...args: string[]): string {
    return this.git(args).trim();
  }

  private try(...args: string[]): string | undefined {
    try {
      return this.run(...args);
    } catch {
      return undefined;
    }
  }

  private git(args: readonly string[], { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {}): string {
    return execFileSync('git', args, { cwd: this.root, encoding: 'utf8', input, maxBuffer: 64 * 2 ** 20, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...this.env, ...env } });
  }
}

function plain(ref: string): string {
  return ref.replace(/^refs\/(heads|remotes)\//, '');
}
