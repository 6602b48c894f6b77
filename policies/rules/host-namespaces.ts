import { pods } from '../cel';
import { pod } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachPod } from '../tree';

const fields = ['hostNetwork', 'hostPID', 'hostIPC'];

export const hostNamespaces: Rule = {
  id: 'host-namespaces',
  title: "No pod shares its node's network, processes or IPC",
  why: 'It would see and signal the processes of others, and network policies do not hold for it.',
  sources: ['CIS 5.2.3, 5.2.4, 5.2.5', 'Pod Security baseline', 'Kyverno disallow-host-namespaces', 'kube-linter host-network, host-pid, host-ipc', 'C-0038, C-0041'],
  severity: 'critical',
  mandatory: everywhere,
  check: eachPod((spec) => fields.filter((field) => spec[field] === true).map((field) => ({ path: field, got: 'true', fix: 'remove it' }))),
  admission: {
    resources: pods,
    validations: [{
      expression: fields.map((field) => `!object.spec.?${field}.orValue(false)`).join(' && '),
      message: "A pod does not share its node's network, processes or IPC: remove hostNetwork, hostPID and hostIPC.",
    }],
  },
  examples: { pass: [[pod()], [pod({ hostNetwork: false })]], fail: fields.map((field) => [pod({ [field]: true })]) },
};
