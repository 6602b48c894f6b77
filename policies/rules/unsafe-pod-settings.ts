import { cel, ofContainers, pods as podRequests } from '../cel';
import { container, pod, podSecured } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachContainer, eachPod } from '../tree';

const sysctls = ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'];

const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];

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
  admission: {
    resources: podRequests,
    validations: [
      {
        expression: `object.spec.?securityContext.sysctls.orValue([]).all(each, each.name in ${cel(sysctls)})`,
        message: `A sysctl acts on the whole node unless it is one of ${sysctls.join(', ')}: remove the others.`,
      },
      {
        expression: `${settled('object.spec')} && ${ofContainers(`${settled('each')} && each.?securityContext.procMount.orValue('Default') in ['Default', '']`)}`,
        message: 'AppArmor, SELinux and /proc stay as the runtime sets them, and no process is one of a Windows host: remove appArmorProfile Unconfined, seLinuxOptions.type, procMount and windowsOptions.hostProcess.',
      },
    ],
  },
  examples: {
    pass: [[pod()], [podSecured({ appArmorProfile: { type: 'RuntimeDefault' }, seLinuxOptions: { type: 'container_t' } })]],
    fail: [
      [pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } })],
      [pod({ hostUsers: false }, container({ securityContext: { procMount: 'Unmasked' } }))],
      [pod({ hostNetwork: true, securityContext: { windowsOptions: { hostProcess: true } } })],
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
    ...(seLinuxTypes.includes(context?.seLinuxOptions?.type ?? '') ? [] : [{ path: 'securityContext.seLinuxOptions.type', got: context.seLinuxOptions.type as string, fix }]),
  ];
}

/** CEL: the security context of `of` has none of what `judged` looks for. */
function settled(of: string): string {
  return [
    `!${of}.?securityContext.windowsOptions.hostProcess.orValue(false)`,
    `${of}.?securityContext.appArmorProfile.type.orValue('') != 'Unconfined'`,
    `${of}.?securityContext.seLinuxOptions.type.orValue('') in ${cel(seLinuxTypes)}`,
  ].join(' && ');
}
