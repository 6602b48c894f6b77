import { ApiObject, Lazy } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { amount } from '../model/fields';
import { statefulAnnotation } from '../model/objects';
import { Platform } from './platform';

export type PodSecurity = 'restricted' | 'baseline' | 'privileged';

export interface SystemProps {
  /**
   * Pod Security level that the API server enforces in the namespace.
   * @default 'restricted'
   */
  readonly podSecurity?: PodSecurity;
  /**
   * The namespace holds data: it is protected from deletion, and kept when the system is turned off.
   * @default false
   */
  readonly stateful?: boolean;
}

/** What one set of equal pods asks of the namespace's quota. */
export interface Demand {
  readonly cpu: string;
  readonly memory: string;
  readonly pods: number;
}

/**
 * A piece of the platform with its own namespace, named like its id: default-deny both ways,
 * a quota of twice what its workloads ask (a rollout needs both sets of pods), no GPU, no LoadBalancer or NodePort.
 */
export class System extends Construct {
  readonly namespace: string;
  /** Where people find it; undefined when it has no route. */
  readonly url?: string;
  readonly platform: Platform;
  private readonly demands: Demand[] = [];

  constructor(scope: Construct, id: string, props: SystemProps = {}) {
    super(scope, id);
    this.platform = Platform.of(this);
    this.namespace = id;
    new k8s.KubeNamespace(this, 'namespace', {
      metadata: {
        name: this.namespace,
        labels: podSecurityLabels(props.podSecurity ?? 'restricted'),
        ...(props.stateful ? { annotations: stateful } : {}),
      },
    });
    defaultDeny(this, this.namespace);
    new ApiObject(this, 'quota', {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'system', namespace: this.namespace },
      spec: Lazy.any({ produce: () => ({ hard: this.quota() }) }),
    });
    new k8s.KubeLimitRange(this, 'limits', {
      metadata: { name: 'defaults', namespace: this.namespace },
      spec: {
        limits: [
          {
            type: 'Container',
            default: { memory: k8s.Quantity.fromString('512Mi') },
            defaultRequest: { cpu: k8s.Quantity.fromString('50m'), memory: k8s.Quantity.fromString('128Mi') },
          },
        ],
      },
    });
  }

  /** Counts pods into the namespace's quota. */
  addDemand(demand: Demand): void {
    this.demands.push(demand);
  }

  private quota(): Record<string, string> {
    const twice = (figure: (demand: Demand) => number) => 2 * this.demands.reduce((sum, demand) => sum + figure(demand), 0);
    return {
      'requests.cpu': `${Math.ceil(twice((demand) => demand.pods * amount(demand.cpu)) * 1000)}m`,
      'requests.memory': `${Math.ceil(twice((demand) => demand.pods * amount(demand.memory)) / 2 ** 20)}Mi`,
      'count/pods': String(twice((demand) => demand.pods)),
      'requests.nvidia.com/gpu': '0',
      'services.loadbalancers': '0',
      'services.nodeports': '0',
    };
  }
}

/** Marks an object that holds data or fences it in: protected from deletion, retained when the stack or system goes. */
export const stateful = { [statefulAnnotation]: 'true' } as const;

/** Labels of a namespace that make the API server enforce a level, warn of it and audit it. */
export function podSecurityLabels(level: PodSecurity): Record<string, string> {
  return Object.fromEntries(['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]));
}

/** Nothing enters or leaves the pods of the namespace unless another policy permits it. */
export function defaultDeny(scope: Construct, namespace: string, annotations?: Readonly<Record<string, string>>): void {
  new k8s.KubeNetworkPolicy(scope, 'default-deny', {
    metadata: { name: 'default-deny', namespace, ...(annotations ? { annotations } : {}) },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  });
}
