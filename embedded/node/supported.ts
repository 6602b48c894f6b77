import type { KubeObject } from '../kube';

/** What manifests ask for and the process node does not do. Printed by `status`. */
export const notEnforced = [
  'NetworkPolicy: every process reaches every loopback address',
  'limits and requests of CPU, memory and disk; runtimes that read their memory limit get it',
  'seccomp, AppArmor and SELinux profiles',
  'capabilities: all are dropped, none can be added',
  'images: programs of this computer, or of the cache, stand in for what the image holds',
  'cluster IPs and Service ports: names lead to a pod, at the port of the pod',
  'disk encryption and sizes of volumes; secret volumes are files for their owner only, not memory',
  'termination messages, and environment variables for Services',
] as const;

type Fields = { readonly [field: string]: true | Fields };

const probe: Fields = {
  httpGet: { path: true, port: true, scheme: true, host: true, httpHeaders: true },
  tcpSocket: { port: true, host: true },
  exec: true,
  initialDelaySeconds: true, periodSeconds: true, timeoutSeconds: true, successThreshold: true, failureThreshold: true,
};
const security: Fields = { runAsUser: true, runAsGroup: true, runAsNonRoot: true, seccompProfile: true, seLinuxOptions: true, appArmorProfile: true };
const container: Fields = {
  name: true, image: true, imagePullPolicy: true, command: true, args: true, workingDir: true, resources: true,
  terminationMessagePath: true, terminationMessagePolicy: true,
  ports: { name: true, containerPort: true, protocol: true },
  env: { name: true, value: true, valueFrom: { configMapKeyRef: true, secretKeyRef: true, fieldRef: true } },
  envFrom: { prefix: true, configMapRef: true, secretRef: true },
  volumeMounts: { name: true, mountPath: true, readOnly: true, subPath: true },
  livenessProbe: probe, readinessProbe: probe, startupProbe: probe,
  securityContext: { ...security, allowPrivilegeEscalation: true, readOnlyRootFilesystem: true, capabilities: { drop: true } },
};
const keyed: Fields = { name: true, items: true, optional: true };
const downward: Fields = { path: true, mode: true, fieldRef: true };

const pod: Fields = {
  containers: container,
  initContainers: container,
  volumes: {
    name: true,
    configMap: { ...keyed, defaultMode: true },
    secret: { secretName: true, items: true, optional: true, defaultMode: true },
    emptyDir: true,
    persistentVolumeClaim: true,
    downwardAPI: { defaultMode: true, items: downward },
    projected: { defaultMode: true, sources: { configMap: keyed, secret: keyed, serviceAccountToken: true, downwardAPI: { items: downward } } },
  },
  securityContext: { ...security, fsGroup: true, fsGroupChangePolicy: true, supplementalGroups: true },
  restartPolicy: true, terminationGracePeriodSeconds: true, serviceAccountName: true, serviceAccount: true,
  automountServiceAccountToken: true, hostname: true, subdomain: true, enableServiceLinks: true, dnsPolicy: true,
  nodeName: true, nodeSelector: true, affinity: true, tolerations: true, topologySpreadConstraints: true, schedulerName: true,
  priority: true, priorityClassName: true, preemptionPolicy: true, imagePullSecrets: true,
};

/** The fields of the pod that the process node does not implement: `spec.containers[0].lifecycle`. */
export function unsupportedFields({ spec }: KubeObject): string[] {
  return unknown(spec, pod, 'spec');
}

function unknown(value: unknown, fields: true | Fields | undefined, path: string): string[] {
  if (fields === true || isOff(value)) return [];
  if (fields === undefined) return [path];
  if (Array.isArray(value)) return value.flatMap((each, index) => unknown(each, fields, `${path}[${index}]`));
  if (typeof value !== 'object') return [];
  return Object.entries(value as object).flatMap(([key, nested]) => unknown(nested, fields[key], `${path}.${key}`));
}

/** A field that asks for nothing is as good as none. */
function isOff(value: unknown): boolean {
  return value === undefined || value === null || value === false || (typeof value === 'object' && Object.keys(value as object).length === 0);
}
