import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { stringify } from 'yaml';
import type { NodePool } from '../model/region';
import { GpuAdmission } from './gpu-admission';
import { images } from './images';
import { System } from './system';

type GpuPool = NodePool & { gpu: NonNullable<NodePool['gpu']> };

/** Where the kubelet and device plugins meet; the reason for Pod Security `privileged` here. */
const devicePlugins = '/var/lib/kubelet/device-plugins';

/**
 * Makes the GPUs of the region's pools schedulable as `nvidia.com/gpu`: a device plugin on each pool with the pool's
 * sharing, the RuntimeClass `nvidia`, which tolerates the GPU taints for the pods that name it, and the rule that only
 * pods with a GPU go there.
 * The exception to Pod Security `restricted`: docs/pod-security.md.
 */
export class Gpu extends System {
  constructor(scope: Construct, id: string) {
    super(scope, id, { podSecurity: 'privileged' });
    const pools = this.platform.region.nodePools.filter((pool): pool is GpuPool => pool.gpu !== undefined);
    const taints = new Map(pools.flatMap((pool) => pool.taints).map((taint) => [`${taint.key}=${taint.value}:${taint.effect}`, taint]));
    new k8s.KubeRuntimeClass(this, 'runtime-class', {
      metadata: { name: 'nvidia' },
      handler: 'nvidia',
      scheduling: { tolerations: [...taints.values()].map(tolerate) },
    });
    new k8s.KubeServiceAccount(this, 'service-account', {
      metadata: { name: 'device-plugin', namespace: this.namespace },
      automountServiceAccountToken: false,
    });
    for (const pool of pools) this.devicePlugin(pool);
    new GpuAdmission(this, 'admission', pools);
  }

  private devicePlugin(pool: GpuPool): void {
    const name = `device-plugin-${pool.name}`;
    const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': this.namespace };
    const config = stringify(deviceConfig(pool));
    const requests = { cpu: k8s.Quantity.fromString('20m'), memory: k8s.Quantity.fromString('64Mi') };
    const mig = pool.gpu.sharing.mode === 'mig';
    this.addDemand({ cpu: '20m', memory: '64Mi', pods: pool.count });
    new k8s.KubeConfigMap(this, `${name}-config`, { metadata: { name, namespace: this.namespace }, data: { 'config.yaml': config } });
    new k8s.KubeDaemonSet(this, name, {
      metadata: { name, namespace: this.namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          // The plugin reads its configuration once, so a change of it replaces the pods.
          metadata: { labels, annotations: { 'datalab-stacks/config': JSON.stringify(deviceConfig(pool)) } },
          spec: {
            serviceAccountName: 'device-plugin',
            automountServiceAccountToken: false,
            priorityClassName: 'datalab-platform',
            runtimeClassName: 'nvidia',
            nodeSelector: pool.labels,
            tolerations: pool.taints.map(tolerate),
            containers: [
              {
                name: 'device-plugin',
                image: this.platform.image(images.gpuDevicePlugin),
                env: [{ name: 'CONFIG_FILE', value: '/config/config.yaml' }],
                // Managing MIG instances needs the device nodes of the driver; sharing whole GPUs does not.
                securityContext: mig
                  ? { privileged: true }
                  : { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true, seccompProfile: { type: 'RuntimeDefault' } },
                resources: { requests, limits: { memory: requests.memory } },
                volumeMounts: [
                  { name: 'device-plugins', mountPath: devicePlugins },
                  { name: 'config', mountPath: '/config', readOnly: true },
                ],
              },
            ],
            volumes: [
              { name: 'device-plugins', hostPath: { path: devicePlugins, type: 'Directory' } },
              { name: 'config', configMap: { name } },
            ],
          },
        },
      },
    });
  }
}

function tolerate(taint: NodePool['taints'][number]): k8s.Toleration {
  return { key: taint.key, operator: 'Equal', value: taint.value, effect: taint.effect };
}

/** NVIDIA's device-plugin configuration. `renameByDefault: false` keeps the name `nvidia.com/gpu`, the one Onyxia knows. */
function deviceConfig({ gpu }: GpuPool): unknown {
  const { sharing } = gpu;
  return {
    version: 'v1',
    flags: { migStrategy: sharing.mode === 'mig' ? 'single' : 'none', failOnInitError: true },
    ...(sharing.mode === 'time-slicing'
      ? {
          sharing: {
            timeSlicing: {
              renameByDefault: false,
              failRequestsGreaterThanOne: true,
              resources: [{ name: 'nvidia.com/gpu', replicas: sharing.replicas }],
            },
          },
        }
      : {}),
  };
}
