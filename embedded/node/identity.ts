import type { KubeObject } from '../kube';
import type { ImageUser } from '../launchers/launcher';

/** Whether this process may become any user. A person's servers run as that person, whom the container knows by the manifest's number. */
export const isRoot = process.getuid!() === 0;

/** User and groups of a container's processes. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

/** As the manifest says, else as the image does. @throws Error when runAsNonRoot is broken. */
export function identityOf(pod: KubeObject, container: KubeObject['spec'], image: ImageUser): Identity {
  const { spec } = pod;
  const merged = { ...spec.securityContext, ...container.securityContext };
  const uid: number = merged.runAsUser ?? image.uid;
  const gid: number = merged.runAsGroup ?? (merged.runAsUser === undefined ? image.gid : 0);
  if (merged.runAsNonRoot && uid === 0) throw new Error('runAsNonRoot is set, and the user is 0');
  const groups = new Set<number>([...(merged.supplementalGroups ?? []), ...(merged.fsGroup === undefined ? [] : [merged.fsGroup])]);
  return { uid, gid, groups: [...groups] };
}
