import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../model/errors';

/** Directory of the pinned module of a tool. */
export function moduleDirectory(tool: string): string {
  return join(__dirname, 'tools', tool);
}

/** The Go version that the tool's go.mod asks for: `1.26`. */
export function goVersionOf(tool: string): string {
  const [, major, minor] = /^go (\d+)\.(\d+)/m.exec(readFileSync(join(moduleDirectory(tool), 'go.mod'), 'utf8'))!;
  return `${major}.${minor}`;
}

/** Runs `go` in the tool's pinned module and returns what it prints. Each line it reports goes to `onLine`. */
export function runGo(tool: string, args: readonly string[], onLine: (line: string) => void = () => undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: moduleDirectory(tool),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, GOWORK: 'off', CGO_ENABLED: '0' },
    });
    const errors: string[] = [];
    let output = '';
    let pending = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => { output += chunk; });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (pending + chunk).split('\n');
      pending = lines.pop()!;
      for (const line of lines) {
        onLine(line);
        if (line.includes(' ') && !line.startsWith('go: downloading ')) errors.push(line.trim());
      }
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(error.code === 'ENOENT' ? 'the command `go` is not on the PATH' : error.message)));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(output);
      const said = [...errors, pending].filter(Boolean).slice(-4).join('; ');
      reject(new Error(said || `go ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/** Why a Go module was of no use, and what to install. */
export function goProblem(tool: string, what: string, reason: string, otherwise: string): Problem {
  const version = goVersionOf(tool);
  return {
    path: what,
    got: reason,
    allowed: `Go >= ${version}, and a Go module proxy that answers`,
    fix: `install Go >= ${version} from go.dev/dl or your distribution, or ${otherwise}`,
  };
}
