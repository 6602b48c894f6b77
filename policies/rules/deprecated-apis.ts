import { clusterObject, object } from '../examples';
import { everywhere, type Rule } from '../rule';

/** Removed from Kubernetes; the version that no longer serves it. Source: Kubernetes deprecated API migration guide. */
const removed: Readonly<Record<string, string>> = {
  'extensions/v1beta1': '1.22', 'apps/v1beta1': '1.16', 'apps/v1beta2': '1.16', 'networking.k8s.io/v1beta1': '1.22',
  'rbac.authorization.k8s.io/v1beta1': '1.22', 'batch/v1beta1': '1.25', 'policy/v1beta1': '1.25', 'autoscaling/v2beta1': '1.25',
  'autoscaling/v2beta2': '1.26', 'apiextensions.k8s.io/v1beta1': '1.22', 'admissionregistration.k8s.io/v1beta1': '1.22',
  'flowcontrol.apiserver.k8s.io/v1beta1': '1.26', 'storage.k8s.io/v1beta1': '1.27', 'discovery.k8s.io/v1beta1': '1.25',
};

export const deprecatedApis: Rule = {
  id: 'deprecated-apis',
  title: 'No API that Kubernetes has removed',
  why: 'The next upgrade of the cluster refuses it.',
  sources: ['Kubernetes: deprecated API migration guide', 'Kyverno check-deprecated-apis', 'kube-linter no-extensions-v1beta'],
  severity: 'low',
  mandatory: everywhere,
  check: (objects) => objects.filter(({ apiVersion }) => removed[apiVersion]).map((each) => ({ object: each, path: 'apiVersion', got: each.apiVersion, fix: `use its successor; Kubernetes ${removed[each.apiVersion]} removed it` })),
  examples: { pass: [[object('batch/v1', 'CronJob')]], fail: [[object('batch/v1beta1', 'CronJob')], [clusterObject('rbac.authorization.k8s.io/v1beta1', 'ClusterRole')]] },
};
