import { ApiObject, Lazy } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { Image } from './images';
import type { Peer } from './network';
import { podsOf } from './network';
import type { DerivedSecret, SecretKey } from './secrets';
import { stateful, type System } from './system';

/** A field of the pod, which the cluster knows when it starts. */
export interface PodField {
  readonly field: 'metadata.name' | 'status.podIP';
}

/** `$(NAME)` in a text is the value of a variable that comes before it in the alphabet. */
export type EnvValue = string | SecretKey | PodField;

/** How a probe asks: by HTTP, or by a command in the container. */
export type Check = { readonly path: string; readonly port: string } | { readonly command: readonly string[] };

export interface Claim {
  readonly mountPath: string;
  /** Requested storage, as a quantity. */
  readonly size: string;
  readonly storageClass: string;
}

export interface ConfigFiles {
  readonly configMap: string;
  /** Which keys, and the path of each below the mount path. @default every key under its own name */
  readonly items?: Readonly<Record<string, string>>;
  /** Only this key, and the mount path is its file: a running pod does not see it change. @default the keys as files below the mount path */
  readonly file?: string;
  /** The pods start without the ConfigMap: somebody else makes it. @default false */
  readonly optional?: boolean;
}

/** A token of the pod's service account, for a server that trusts the cluster's issuer. */
interface ProjectedToken {
  readonly audience: string;
  readonly mountPath: string;
}

export interface WorkloadProps {
  /** A Job runs once for each name; the others keep running. */
  readonly kind: 'Deployment' | 'StatefulSet' | 'Job';
  readonly image: Image;
  /** @default the image's entrypoint */
  readonly command?: readonly string[];
  /** @default the image's arguments */
  readonly args?: readonly string[];
  /** @default none */
  readonly env?: Readonly<Record<string, EnvValue>>;
  /** Port numbers by name; the first serves as the Service's main port. @default none, and no Service */
  readonly ports?: Readonly<Record<string, number>>;
  /** Holds traffic back, and rollouts, until it succeeds. @default none */
  readonly ready?: Check;
  /** Restarts the container after it fails for a minute. @default none */
  readonly live?: Check;
  /** Seconds that a start may take before the container is restarted. @default 60 */
  readonly startSeconds?: number;
  /** Requested cores. */
  readonly cpu: string;
  /** Requested memory, and the limit. */
  readonly memory: string;
  /** @default 1 */
  readonly replicas?: number;
  /** Changed pods of a StatefulSet wait until somebody deletes them, one by one. @default false */
  readonly replacedByHand?: boolean;
  /** The deployment goes on when the pods are not ready: they wait for a person. @default false */
  readonly notAwaited?: boolean;
  /**
   * An update replaces all pods of a StatefulSet at the same time. Kubernetes before 1.37 replaces them one by one all the same (feature MaxUnavailableStatefulSet).
   * @default false
   */
  readonly updateTogether?: boolean;
  /** User and group that the processes run as; never 0. */
  readonly user: number;
  /** Volumes of a StatefulSet that outlive its pods, by name. @default none */
  readonly claims?: Readonly<Record<string, Claim>>;
  /** Paths of the container that may be written and are empty at each start. @default none */
  readonly scratch?: readonly string[];
  /** Keys of a Secret as files: mount path to one of its keys. @default none */
  readonly secretFiles?: Readonly<Record<string, SecretKey>>;
  /** ConfigMaps as files, by mount path. @default none */
  readonly configFiles?: Readonly<Record<string, ConfigFiles>>;
  /** The pods call the API server, with a token of their service account. @default false */
  readonly apiAccess?: boolean;
  /** The image writes outside its volumes; say why where it is used. @default false */
  readonly writableRoot?: boolean;
}

/**
 * Equal pods with their own service account, Service and network policy, which pass Pod Security `restricted`:
 * non-root, no capabilities, seccomp, read-only root, no API token unless it asks for one. Whom they talk to comes from grants.
 */
export class Workload extends Construct implements Peer {
  readonly namespace: string;
  readonly peerName: string;
  readonly peers: readonly k8s.NetworkPolicyPeer[];
  readonly serviceAccount: string;
  /** The Service's name inside the cluster. */
  readonly host: string;
  readonly props: WorkloadProps;
  private readonly system: System;
  private readonly id: string;
  private readonly selector: Record<string, string>;
  private readonly env = new Map<string, EnvValue>();
  private readonly tokens: ProjectedToken[] = [];
  private readonly origins = new Set<string>();
  /** The objects through which people, and Pulumi, reach these pods from outside. */
  readonly exposedBy: ApiObject[] = [];
  /** The Deployment, StatefulSet or Job: there once the pods are ready. */
  readonly deployed: ApiObject;

  constructor(system: System, id: string, props: WorkloadProps) {
    super(system, id);
    this.system = system;
    this.id = id;
    this.props = props;
    this.namespace = system.namespace;
    this.serviceAccount = id;
    this.host = `${id}.${this.namespace}.svc.cluster.local`;
    this.selector = { 'app.kubernetes.io/name': id, 'app.kubernetes.io/instance': this.namespace };
    const peer = podsOf(`${this.namespace}/${id}`, this.namespace, this.selector);
    this.peerName = peer.peerName;
    this.peers = peer.peers;
    for (const [name, value] of Object.entries(props.env ?? {})) this.addEnv(name, value);
    system.addDemand({ cpu: props.cpu, memory: props.memory, pods: props.replicas ?? 1 });

    new k8s.KubeServiceAccount(this, 'service-account', {
      metadata: this.metadata(id),
      automountServiceAccountToken: false,
    });
    this.deployed = this.controller();
    if (props.apiAccess) {
      const { network, region } = system.platform;
      network.connect(this, network.apiServer, region.cluster.apiServer.port, 'Kubernetes objects');
    }
    if (props.ports) this.services(props.ports);
    if ((props.replicas ?? 1) > 1) this.disruptionBudget();
    new ApiObject(this, 'network', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: this.metadata(id),
      spec: Lazy.any({
        produce: () => k8s.toJson_NetworkPolicySpec(system.platform.network.policy(this, { matchLabels: this.selector })),
      }),
    });
  }

  addEnv(name: string, value: EnvValue): void {
    this.env.set(name, value);
  }

  /** Gives the pods a token of their service account for `audience`, renewed each hour. Returns the path of its file. */
  addToken(audience: string): string {
    const mountPath = `/var/run/secrets/datalab/${audience}`;
    if (!this.tokens.some((token) => token.audience === audience)) this.tokens.push({ audience, mountPath });
    return `${mountPath}/token`;
  }

  /** A new version of this secret replaces the pods, though they do not read it: a server made with it what they hold. */
  restartWith({ label }: DerivedSecret): void {
    this.origins.add(label);
  }

  /** These pods are deployed when those of `workload` are ready. */
  startAfter(workload: Workload): void {
    this.deployed.node.addDependency(workload.deployed);
  }

  /** Permits these pods to reach `port` of others, and has those deployed first. */
  connectTo(workload: Workload, port: string, why: string): void {
    this.system.platform.network.connect(this, workload, workload.port(port), why);
    if (workload !== this) this.startAfter(workload);
  }

  /** Permits the proxies of the gateway to reach `port`. */
  acceptFromGateway(port: string): void {
    const { network } = this.system.platform;
    network.connect(network.gateway, this, this.port(port), 'requests from outside');
  }

  port(name: string): number {
    const port = this.props.ports?.[name];
    if (port === undefined) throw new Error(`${this.peerName} has no port '${name}': ${Object.keys(this.props.ports ?? {}).join(', ') || 'it has none'}`);
    return port;
  }

  private metadata(name: string, labels: Record<string, string> = {}): k8s.ObjectMeta {
    return { name, namespace: this.namespace, labels: { ...this.selector, ...labels } };
  }

  private controller(): ApiObject {
    const { kind } = this.props;
    const specs: Record<WorkloadProps['kind'], () => unknown> = {
      Deployment: () => k8s.toJson_DeploymentSpec({ replicas: this.props.replicas ?? 1, selector: { matchLabels: this.selector }, template: this.template() }),
      StatefulSet: () =>
        k8s.toJson_StatefulSetSpec({
          replicas: this.props.replicas ?? 1,
          serviceName: `${this.id}-headless`,
          podManagementPolicy: 'Parallel',
          ...(this.props.replacedByHand ? { updateStrategy: { type: 'OnDelete' } } : {}),
          ...(this.props.updateTogether ? { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: k8s.IntOrString.fromString('100%') } } } : {}),
          selector: { matchLabels: this.selector },
          template: this.template(),
          volumeClaimTemplates: listed(Object.entries(this.props.claims ?? {}), ([name, claim]) => ({
            metadata: { name, labels: this.selector },
            spec: {
              accessModes: ['ReadWriteOnce'],
              storageClassName: claim.storageClass,
              resources: { requests: { storage: k8s.Quantity.fromString(claim.size) } },
            },
          })),
        }),
      Job: () => k8s.toJson_JobSpec({ backoffLimit: 6, template: this.template() }),
    };
    const annotations = { ...(this.props.claims ? stateful : {}), ...(this.props.notAwaited ? { 'pulumi.com/skipAwait': 'true' } : {}) };
    return new ApiObject(this, 'controller', {
      apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
      kind,
      metadata: { ...this.metadata(this.id), ...(Object.keys(annotations).length ? { annotations } : {}) },
      spec: Lazy.any({ produce: () => specs[kind]() }),
    });
  }

  private template(): k8s.PodTemplateSpec {
    const { props } = this;
    const read = [...this.env.values(), ...Object.values(props.secretFiles ?? {})].flatMap((value) => (typeof value === 'object' && 'labels' in value ? value.labels : []));
    const secrets = props.kind === 'Job' ? read : [...read, ...this.origins];
    const replicas = props.replicas ?? 1;
    return {
      metadata: {
        labels: this.selector,
        ...(secrets.length ? { annotations: { 'datalab-stacks/secrets': [...new Set(secrets)].sort().join(' ') } } : {}),
      },
      spec: {
        serviceAccountName: this.serviceAccount,
        automountServiceAccountToken: props.apiAccess ?? false,
        enableServiceLinks: false,
        priorityClassName: 'datalab-platform',
        ...(props.kind === 'Job' ? { restartPolicy: 'OnFailure' } : {}),
        ...(replicas > 1 ? { topologySpreadConstraints: [this.spread()] } : {}),
        securityContext: {
          runAsNonRoot: true,
          runAsUser: props.user,
          runAsGroup: props.user,
          fsGroup: props.user,
          fsGroupChangePolicy: 'OnRootMismatch',
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [this.container()],
        volumes: listed(this.volumes(), (volume) => volume),
      },
    };
  }

  private container(): k8s.Container {
    const { props } = this;
    const limits = { memory: k8s.Quantity.fromString(props.memory) };
    return {
      name: this.id,
      image: this.system.platform.image(props.image),
      ...(props.command ? { command: [...props.command] } : {}),
      ...(props.args ? { args: [...props.args] } : {}),
      env: [...this.env.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => (typeof value === 'string' ? { name, value } : { name, valueFrom: sourceOf(value) })),
      ports: listed(Object.entries(props.ports ?? {}), ([name, containerPort]) => ({ name, containerPort })),
      ...(props.ready ? { readinessProbe: { ...probe(props.ready), periodSeconds: 5 } } : {}),
      ...(props.live ? { livenessProbe: { ...probe(props.live), periodSeconds: 10, failureThreshold: 6 } } : {}),
      ...(props.live ? { startupProbe: { ...probe(props.live), periodSeconds: 5, failureThreshold: Math.ceil((props.startSeconds ?? 60) / 5) } } : {}),
      resources: { requests: { cpu: k8s.Quantity.fromString(props.cpu), ...limits }, limits },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: !props.writableRoot,
        capabilities: { drop: ['ALL'] },
      },
      volumeMounts: listed(
        [
          ...Object.entries(props.claims ?? {}).map(([name, claim]) => ({ name, mountPath: claim.mountPath })),
          ...(props.scratch ?? []).map((mountPath) => ({ name: volumeName(mountPath), mountPath })),
          ...[...Object.keys(props.secretFiles ?? {}), ...this.tokens.map((token) => token.mountPath)].map((mountPath) => ({
            name: volumeName(mountPath),
            mountPath,
            readOnly: true,
          })),
          ...Object.entries(props.configFiles ?? {}).map(([mountPath, { configMap, file }]) => ({
            name: file ? configMap : volumeName(mountPath),
            mountPath,
            ...(file ? { subPath: file } : {}),
            readOnly: true,
          })),
        ],
        (mount) => mount,
      ),
    };
  }

  private volumes(): k8s.Volume[] {
    return [
      ...(this.props.scratch ?? []).map((mountPath) => ({ name: volumeName(mountPath), emptyDir: {} })),
      ...Object.entries(this.props.secretFiles ?? {}).map(([mountPath, file]) => ({
        name: volumeName(mountPath),
        secret: { secretName: file.secretName, defaultMode: 0o440 },
      })),
      ...Object.entries(this.props.configFiles ?? {})
        .filter(([, { file }]) => !file)
        .map(([mountPath, { configMap, items, optional }]) => ({
          name: volumeName(mountPath),
          configMap: {
            name: configMap,
            ...(items ? { items: Object.entries(items).map(([key, path]) => ({ key, path })) } : {}),
            ...(optional ? { optional } : {}),
          },
        })),
      ...[...new Set(Object.values(this.props.configFiles ?? {}).flatMap(({ configMap, file }) => (file ? [configMap] : [])))].map((configMap) => ({
        name: configMap,
        configMap: { name: configMap },
      })),
      ...this.tokens.map(({ audience, mountPath }) => ({
        name: volumeName(mountPath),
        projected: { sources: [{ serviceAccountToken: { audience, expirationSeconds: 3600, path: 'token' } }], defaultMode: 0o440 },
      })),
    ];
  }

  private services(ports: Readonly<Record<string, number>>): void {
    const servicePorts = Object.entries(ports).map(([name, port]) => ({ name, port, targetPort: k8s.IntOrString.fromString(name) }));
    new k8s.KubeService(this, 'service', {
      metadata: this.metadata(this.id),
      spec: { type: 'ClusterIP', selector: this.selector, ports: servicePorts },
    });
    if (this.props.kind === 'StatefulSet') {
      new k8s.KubeService(this, 'headless', {
        metadata: this.metadata(`${this.id}-headless`),
        spec: { clusterIp: 'None', publishNotReadyAddresses: true, selector: this.selector, ports: servicePorts },
      });
    }
  }

  private disruptionBudget(): void {
    new k8s.KubePodDisruptionBudget(this, 'disruption-budget', {
      metadata: this.metadata(this.id),
      spec: { maxUnavailable: k8s.IntOrString.fromNumber(1), selector: { matchLabels: this.selector } },
    });
  }

  private spread(): k8s.TopologySpreadConstraint {
    return {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: this.selector },
    };
  }
}

function sourceOf(value: SecretKey | PodField): k8s.EnvVarSource {
  return 'field' in value ? { fieldRef: { fieldPath: value.field } } : { secretKeyRef: { name: value.secretName, key: value.key } };
}

function probe(check: Check): k8s.Probe {
  return 'path' in check
    ? { httpGet: { path: check.path, port: k8s.IntOrString.fromString(check.port) }, timeoutSeconds: 3 }
    : { exec: { command: [...check.command] }, timeoutSeconds: 5 };
}

/** A list, or nothing where it would be empty. */
function listed<T, R>(values: readonly T[], of: (value: T) => R): R[] | undefined {
  return values.length ? values.map(of) : undefined;
}

/** `/var/run/postgresql` becomes `var-run-postgresql`. */
function volumeName(path: string): string {
  return path.slice(1).replaceAll('/', '-').replaceAll('.', '-').toLowerCase();
}
