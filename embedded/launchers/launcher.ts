import type { Progress } from '../../model/progress';

export interface ImageUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** What a container asks of its image. */
export interface Wanted {
  /** The manifest's environment, resolved. */
  readonly env: Readonly<Record<string, string>>;
  /** The loopback address of the pod: servers listen there and nowhere else. */
  readonly address: string;
  /** The container's memory limit in bytes, which nothing enforces. @default none */
  readonly memory?: number;
}

/** What stands where an image would: programs of this computer, arranged as the image arranges its own. */
export interface LocalImage {
  readonly entrypoint: readonly string[];
  /** Arguments when the manifest has none. */
  readonly command: readonly string[];
  readonly user: ImageUser;
  /** @default '/' */
  readonly workingDirectory?: string;
  /** The image's own environment; the manifest's wins. */
  readonly env: Readonly<Record<string, string>>;
  /** Environment that binds the server to the pod's address; wins over the manifest's. @default none */
  readonly forcedEnv?: Readonly<Record<string, string>>;
  /** Container path → file or directory of this computer, read-only. @default none */
  readonly files?: Readonly<Record<string, string>>;
  /** Paths of the image that its programs write, when the root is writable. @default none */
  readonly scratch?: readonly string[];
  /** The program's arguments bound to the pod's address. @default as they are */
  readonly bind?: (argv: readonly string[]) => readonly string[];
}

/** How the process node runs the containers of some images. */
export interface Launcher {
  readonly name: string;
  /** Image repositories without registry: `keycloak/keycloak` is that of `quay.io/keycloak/keycloak:26.7.5`. */
  readonly repositories: readonly string[];
  /** What runs, for `status`: `Keycloak 26.7.5`; undefined when it is not there. */
  readonly runs: () => string | undefined;
  /** How it is got, for `doctor`. */
  readonly how: string;
  /** Others keep data there: it stops after them. @default false */
  readonly stopsLast?: boolean;
  /**
   * Gets what its images need, for containers with this environment; at once when it is there.
   * @throws UserError with what to install.
   */
  readonly install: (env: Readonly<Record<string, string>>, progress: Progress) => Promise<void>;
  /** @throws UserError when what it needs is not there. */
  readonly open: (wanted: Wanted) => Promise<LocalImage>;
}
