import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { projectRoot, readText, writeAtomic, type RegionState } from './state';

/**
 * Writes the kubeconfig of a demo person, `people/<username>.kubeconfig`, and returns its path. There is no token in it:
 * kubectl calls `datalab login`, which logs the person in anew.
 */
export function writeKubeconfigOf(state: RegionState, username: string): string {
  const path = state.file('people', `${username}.kubeconfig`);
  const { clusters } = parse(readText(state.file('kubeconfig'))!) as { clusters: object[] };
  const { stack } = state;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeAtomic(path, stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [{
      name: username,
      user: {
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: join(projectRoot, 'datalab'),
          args: ['login', username, stack, '--exec-credential', '--state', dirname(state.dir)],
          interactiveMode: 'Never',
        },
      },
    }],
    contexts: [{ name: stack, context: { cluster: stack, user: username, namespace: `user-${username}` } }],
    'current-context': stack,
  }));
  return path;
}
