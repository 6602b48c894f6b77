import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { cacheDirectory } from '../model/cache';
import { exitCodes, UserError } from '../model/errors';
import type { Progress } from '../model/progress';
import { goProblem, goVersionOf, moduleDirectory, runGo } from './go';
import type { KubeObject } from './kube';
import { readText, writeAtomic } from './state';

/**
 * Modules pinned in embedded/tools/crds/go.mod, and the files of them that are used. Their release files have no
 * checksum, so the Go module, which Go proves with go.sum, is the only source.
 */
const sources = [
  {
    module: 'sigs.k8s.io/gateway-api',
    folder: 'config/crd/standard',
    files: /_(gatewayclasses|gateways|httproutes|referencegrants|backendtlspolicies)\.yaml$/,
  },
  { module: 'github.com/cert-manager/cert-manager', folder: 'deploy/crds', files: /\.yaml$/ },
];

/**
 * The CustomResourceDefinitions that a cluster's administrator would have installed: Gateway API and cert-manager,
 * as their publishers wrote them. Taken from the cache, else out of the publishers' Go modules.
 */
export async function ensureCrds(progress: Progress): Promise<KubeObject[]> {
  const path = cachePath();
  const cached = readText(path);
  if (cached) return (JSON.parse(cached) as { items: KubeObject[] }).items;
  const modules = sources.map(({ module }) => module);
  return progress.step('fetch the CRDs of Gateway API and cert-manager from their Go modules', async (tell) => {
    try {
      const printed = await runGo('crds', ['mod', 'download', '-json', ...modules], tell);
      const directories = new Map(parseJsonStream(printed).map(({ Path, Dir }) => [Path, Dir]));
      const crds = sources.flatMap(({ module, folder, files }) => {
        const directory = join(directories.get(module)!, folder);
        return readdirSync(directory).sort().filter((file) => files.test(file))
          .flatMap((file) => parse(readFileSync(join(directory, file), 'utf8')));
      }).filter(({ kind }) => kind === 'CustomResourceDefinition');
      mkdirSync(cacheDirectory(), { recursive: true });
      writeAtomic(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: crds }), 0o644);
      return crds;
    } catch (error) {
      const otherwise = `copy ${basename(path)} from a cache that has it into ${cacheDirectory()}`;
      throw new UserError('The CRDs of Gateway API and cert-manager could not be fetched.', [
        goProblem('crds', 'CRDs: Go modules', (error as Error).message, otherwise),
      ], exitCodes.failed);
    }
  });
}

/** For `doctor`: where the CRDs are, or how they would be got. Changes nothing. */
export function describeCrds(): { found?: string; how: string } {
  const path = cachePath();
  return {
    found: readText(path) === undefined ? undefined : path,
    how: `taken out of their publishers' Go modules with Go >= ${goVersionOf('crds')}`,
  };
}

/** Another pinned version, or another choice of files, has another name. */
function cachePath(): string {
  const pinned = readFileSync(join(moduleDirectory('crds'), 'go.sum'), 'utf8');
  const choice = sources.map(({ files }) => files.source);
  const digest = createHash('sha256').update(JSON.stringify([pinned, choice])).digest('hex').slice(0, 12);
  return join(cacheDirectory(), `crds-${digest}.json`);
}

function parse(text: string): KubeObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject).filter(Boolean);
}

/** `go mod download -json` prints one object after the other. */
function parseJsonStream(text: string): { Path: string; Dir: string }[] {
  return text.split(/(?<=^})\n/m).filter((part) => part.trim()).map((part) => JSON.parse(part) as { Path: string; Dir: string });
}
