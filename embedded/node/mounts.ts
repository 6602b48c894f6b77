import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Kube, KubeObject } from '../kube';
import { claimDirectory, type RegionState } from '../state';
import { ConfigError, fieldOf, type References } from './environment';
import { isRoot, type Identity } from './identity';
import type { Mount } from './sandbox';
import { freshToken } from './tokens';

/** A file of a volume that the agent writes. */
interface VolumeFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
  /** A token: readable by the container's user where no group is set. */
  readonly token?: boolean;
}

interface Context {
  readonly state: RegionState;
  readonly kube: Kube;
  readonly references: References;
  readonly pod: KubeObject;
  readonly address: string;
}

/** Names of the claims that the pod uses. */
export function claimsOf({ spec }: KubeObject): string[] {
  return (spec.volumes ?? []).flatMap((volume: KubeObject['spec']) => volume.persistentVolumeClaim?.claimName ?? []);
}

/**
 * Brings the pod's volumes up to date: directories are made, files of config maps, secrets and tokens written where
 * they differ. Called before the start, and once a minute for changes and the renewal of tokens. @throws ConfigError
 */
export async function provideVolumes(context: Context, owner: Identity): Promise<void> {
  const { state, pod } = context;
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
  for (const volume of pod.spec.volumes ?? []) {
    const directory = volumeDirectory(state, pod, volume);
    if (volume.persistentVolumeClaim || volume.emptyDir) {
      const mode = volume.emptyDir ? 0o777 : 0o755;
      if (!statSync(directory, { throwIfNoEntry: false })) {
        mkdirSync(directory, { recursive: true });
        chmodSync(directory, mode);
      }
      if (fsGroup !== undefined) giveToGroup(directory, fsGroup, fsGroupChangePolicy === 'OnRootMismatch');
    } else {
      mkdirSync(directory, { recursive: true });
      writeFiles(directory, await filesOf(context, volume, directory), fsGroup, owner);
    }
  }
}

/** What the container mounts, in its manifest's words. @throws ConfigError */
export function mountsOf(state: RegionState, pod: KubeObject, container: KubeObject['spec']): Mount[] {
  return (container.volumeMounts ?? []).map((mount: KubeObject['spec']): Mount => {
    const volume = (pod.spec.volumes ?? []).find((each: { name: string }) => each.name === mount.name);
    const root = volumeDirectory(state, pod, volume);
    const from = mount.subPath ? join(root, mount.subPath) : root;
    if (relative(root, from).startsWith('..')) throw new ConfigError(`the subPath ${mount.subPath} leaves its volume`);
    if (mount.subPath && !statSync(from, { throwIfNoEntry: false })) mkdirSync(from, { recursive: true });
    const written = !volume.persistentVolumeClaim && !volume.emptyDir;
    return { path: mount.mountPath.replace(/(.)\/+$/, '$1'), from, readOnly: written || mount.readOnly === true || volume.persistentVolumeClaim?.readOnly === true };
  });
}

function volumeDirectory(state: RegionState, pod: KubeObject, volume: KubeObject['spec']): string {
  const claim: string | undefined = volume.persistentVolumeClaim?.claimName;
  if (claim) return claimDirectory(state, pod.metadata.namespace!, claim);
  return state.file('node', 'pods', pod.metadata.uid!, 'volumes', volume.name);
}

async function filesOf(context: Context, volume: KubeObject['spec'], directory: string): Promise<VolumeFile[]> {
  const kind = ['configMap', 'secret', 'downwardAPI', 'projected'].find((each) => volume[each])!;
  const { defaultMode = 0o644, sources } = volume[kind];
  const all: KubeObject['spec'][] = sources ?? [{ [kind]: volume[kind] }];
  return (await Promise.all(all.map((source) => filesOfSource(context, source, defaultMode, directory)))).flat();
}

async function filesOfSource({ kube, references, pod, address }: Context, source: KubeObject['spec'], mode: number, directory: string): Promise<VolumeFile[]> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (serviceAccountToken) {
    const path = join(directory, serviceAccountToken.path);
    const content = await freshToken(kube, pod, serviceAccountToken, path);
    return [{ path: serviceAccountToken.path, content: Buffer.from(content), mode, token: true }];
  }
  if (downwardAPI) {
    return downwardAPI.items.map((item: KubeObject['spec']) => ({
      path: item.path, mode: item.mode ?? mode, content: Buffer.from(fieldOf(pod, item.fieldRef.fieldPath, address)),
    }));
  }
  const { items, optional } = configMap ?? secret;
  const name: string = configMap?.name ?? secret.secretName ?? secret.name;
  const data = await references.read(configMap ? 'ConfigMap' : 'Secret', name, optional);
  if (!data) return [];
  if (!items) return Object.entries(data).map(([path, content]) => ({ path, content, mode }));
  return items.flatMap((item: KubeObject['spec']): VolumeFile[] => {
    const content = data[item.key];
    if (!content && !optional) throw new ConfigError(`${configMap ? 'ConfigMap' : 'Secret'} "${name}" has no key "${item.key}"`);
    return content ? [{ path: item.path, content, mode: item.mode ?? mode }] : [];
  });
}

/** Each file holds its old content or its new one, never a part; files that are no longer wanted go. */
function writeFiles(directory: string, files: readonly VolumeFile[], fsGroup: number | undefined, owner: Identity): void {
  for (const { path, content, mode, token } of files) {
    const file = join(directory, path);
    if (readBytes(file)?.equals(content)) continue;
    mkdirSync(dirname(file), { recursive: true });
    const draft = join(directory, `..draft`);
    writeFileSync(draft, content, { mode: 0o600 });
    if (isRoot && fsGroup !== undefined) chownSync(draft, 0, fsGroup);
    else if (isRoot && token) chownSync(draft, owner.uid, owner.gid);
    // As the kubelet does: a group that is set may read, and a token is for its user alone otherwise.
    chmodSync(draft, fsGroup !== undefined ? (token ? 0o640 : mode | 0o040) : token ? 0o600 : mode);
    renameSync(draft, file);
  }
  const wanted = new Set(files.map(({ path }) => path));
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = relative(directory, join(entry.parentPath, entry.name));
    if (entry.isFile() && !wanted.has(path)) rmSync(join(directory, path));
  }
}

/** Makes the group the owner of everything in the volume, with write access, and of what will be made there. */
function giveToGroup(directory: string, group: number, onlyOnMismatch: boolean): void {
  if (!isRoot) return;
  const { gid, mode } = statSync(directory);
  if (onlyOnMismatch && gid === group && (mode & 0o2070) === 0o2070) return;
  for (const path of [...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((each) => join(directory, each)), directory]) {
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) continue;
    chownSync(path, stat.uid, group);
    chmodSync(path, stat.mode | (stat.isDirectory() ? 0o2070 : 0o060));
  }
}

function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
