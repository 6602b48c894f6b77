import { pod, podSecured } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer, eachPod } from '../tree';

const sysctls = ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'];

const pods = eachPod((spec) => [
  ...((spec.securityContext?.sysctls ?? []) as any[]).flatMap(({ name }, index) =>
    sysctls.includes(name) ? [] : [{ path: `securityContext.sysctls[${index}]`, got: name, fix: 'remove it: it acts on the whole node' }]),
  ...judged(spec.securityContext),
]);
const containers = eachContainer(({ securityContext }) => [
  ...judged(securityContext),
  ...(['Default', undefined].includes(securityContext?.procMount) ? [] : [{ path: 'securityContext.procMount', got: securityContext.procMount, fix: 'remove it' }]),
]);

export const unsafePodSettings: Rule = {
  id: 'unsafe-pod-settings',
  title: 'No unsafe sysctl, no unmasked /proc, no HostProcess, AppArmor and SELinux as the runtime sets them',
  why: 'Each of them opens the node in its own way.',
  sources: ['Pod Security baseline', 'Kyverno restrict-sysctls, disallow-proc-mount, disallow-host-process, restrict-apparmor-profiles, disallow-selinux', 'kube-linter unsafe-sysctls, unsafe-proc-mount'],
  severity: 'high',
  mandatory: everywhere,
  check: (objects) => [...pods(objects), ...containers(objects)],
  examples: {
    pass: [[pod()], [podSecured({ appArmorProfile: { type: 'RuntimeDefault' }, seLinuxOptions: { type: 'container_t' } })]],
    fail: [
      [pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } })],
      [podSecured({ procMount: 'Unmasked' })],
      [podSecured({ windowsOptions: { hostProcess: true } })],
      [podSecured({ appArmorProfile: { type: 'Unconfined' } })],
      [podSecured({ seLinuxOptions: { type: 'spc_t' } })],
    ],
  },
};

function judged(context: any) {
  const fix = 'remove it';
  return [
    ...(context?.windowsOptions?.hostProcess ? [{ path: 'securityContext.windowsOptions.hostProcess', got: 'true', fix }] : []),
    ...(context?.appArmorProfile?.type === 'Unconfined' ? [{ path: 'securityContext.appArmorProfile.type', got: 'Unconfined', fix }] : []),
    ...(['', undefined, 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'].includes(context?.seLinuxOptions?.type) ? [] : [{ path: 'securityContext.seLinuxOptions.type', got: context.seLinuxOptions.type as string, fix }]),
  ];
}
