import { mkdirSync } from 'node:fs';
import { amount } from '../../model/fields';
import type { KubeObject } from '../kube';
import { launcherFor } from '../launchers/all';
import { writeAtomic, type RegionState } from '../state';
import { ConfigError, environmentOf, expanded, type Env, type References } from './environment';
import { identityOf, type Identity } from './identity';
import { mountsOf } from './mounts';
import type { Layout, Mount } from './sandbox';

/** What a container needs to know of its pod. */
export interface PodContext {
  readonly state: RegionState;
  readonly pod: KubeObject;
  /** The loopback address of its processes. */
  readonly address: string;
  readonly references: References;
  /** Writes the pod's volumes for a container with this user. */
  readonly provide: (owner: Identity) => Promise<void>;
  readonly event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly changed: () => void;
}

/** Everything that a start takes from the manifest. */
export interface Plan {
  readonly layout: Layout;
  readonly argv: readonly string[];
  readonly env: Env;
  readonly stopsLast: boolean;
}

/**
 * How the manifest wants a container started, with what stands in for its image.
 * @throws ConfigError, UserError when what stands in is not installed, KubeError
 */
export async function planOf(context: PodContext, spec: KubeObject['spec']): Promise<Plan> {
  const { state, pod, address, references } = context;
  const launcher = launcherFor(spec.image);
  if (!launcher) throw new ConfigError(`no program of this computer stands in for the image ${spec.image}`);
  const wanted = await environmentOf(pod, spec, address, references);
  const limit: string | undefined = spec.resources?.limits?.memory;
  const image = await launcher.open({ env: wanted, address, ...(limit ? { memory: amount(limit) } : {}) });
  const env = { HOME: image.user.home, HOSTNAME: pod.metadata.name, ...apiServer(references), ...image.env, ...wanted, ...image.forcedEnv };
  const expand = (texts: readonly string[]) => texts.map((text) => expanded(text, env));
  const command = spec.command ? expand(spec.command) : image.entrypoint;
  const args = spec.args ? expand(spec.args) : spec.command ? [] : image.command;
  const argv = [...command, ...args];
  const identity = identityOf(pod, spec, image.user);
  return {
    env,
    argv: image.bind?.(argv) ?? argv,
    stopsLast: launcher.stopsLast ?? false,
    layout: {
      identity,
      readOnlyRoot: spec.securityContext?.readOnlyRootFilesystem === true,
      hostname: pod.spec.hostname ?? pod.metadata.name,
      workingDirectory: spec.workingDir ?? image.workingDirectory ?? '/',
      mounts: [
        ...Object.entries(image.files ?? {}).map(([path, from]) => ({ path, from, readOnly: true })),
        ...ownEtc(context, spec.name, identity, image.user.name),
        ...mountsOf(state, pod, spec),
      ],
      scratch: image.scratch ?? [],
    },
  };
}

/** Where the API server is, as every pod is told. */
function apiServer(references: References): Env {
  const { hostname, port } = new URL(references.server);
  return { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, KUBERNETES_SERVICE_PORT_HTTPS: port };
}

/** The container's own files in /etc. Those of names are shared by the pod, and kept up to date. */
function ownEtc({ state, pod }: PodContext, container: string, { uid, gid }: Identity, user: string): Mount[] {
  const shared = state.file('node', 'pods', pod.metadata.uid!, 'etc');
  const own = state.file('node', 'pods', pod.metadata.uid!, 'containers', container, 'etc');
  mkdirSync(own, { recursive: true });
  const root = { passwd: uid === 0 ? '' : 'root:x:0:0:root:/:/sbin/nologin\n', group: gid === 0 ? '' : 'root:x:0:\n' };
  writeAtomic(`${own}/passwd`, `${root.passwd}${user}:x:${uid}:${gid}::/:/sbin/nologin\n`, 0o644);
  writeAtomic(`${own}/group`, `${root.group}${user}:x:${gid}:\n`, 0o644);
  const mount = (directory: string) => (file: string) => ({ path: `/etc/${file}`, from: `${directory}/${file}`, readOnly: true });
  return [...['hosts', 'resolv.conf', 'nsswitch.conf'].map(mount(shared)), ...['passwd', 'group'].map(mount(own))];
}
