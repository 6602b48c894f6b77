import { pod } from '../examples';
import { everywhere, type Rule } from '../rule';
import { eachPod, told, type Place } from '../tree';

export const serviceAccountToken: Rule = {
  id: 'service-account-token',
  title: 'Pods have a service account of their own and no token for the API server by default',
  why: 'A stolen token of the API server is the first step from one pod to the cluster.',
  sources: ['CIS 5.1.5, 5.1.6', 'Kyverno disallow-automountserviceaccounttoken', 'kube-linter default-service-account'],
  severity: 'high',
  mandatory: everywhere,
  check: eachPod((spec): Place[] => [
    ...(spec.automountServiceAccountToken === false ? [] : [{ path: 'automountServiceAccountToken', got: told(spec.automountServiceAccountToken), fix: 'set it to false; mount a projected token with an audience where one is needed' }]),
    ...(spec.serviceAccountName && spec.serviceAccountName !== 'default' ? [] : [{ path: 'serviceAccountName', got: told(spec.serviceAccountName), fix: 'give the pods a service account of their own' }]),
  ]),
  examples: {
    pass: [[pod()]],
    fail: [[pod({ automountServiceAccountToken: true })], [pod({ automountServiceAccountToken: undefined })], [pod({ serviceAccountName: 'default' })], [pod({ serviceAccountName: undefined })]],
  },
};
