import { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { Admission, cel, changesSpec, subject } from './admission';
import type { Network } from './network';
import type { Platform } from './platform';

/** An object of the fence, without its namespace. */
export interface FencePart {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

/** What fences a namespace of people in, beside the quota that Onyxia writes: network, no exposure, limits for who says none. */
export function fenceOf(network: Network): readonly FencePart[] {
  const policy = (name: string, spec: k8s.NetworkPolicySpec) => ({
    apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name }, spec: k8s.toJson_NetworkPolicySpec(spec)!,
  });
  return [
    policy('default-deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
    policy('work', workPolicy(network)),
    // A quota of its own, since Onyxia rewrites `onyxia-quota`.
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'no-exposure' }, spec: { hard: { 'services.loadbalancers': '0', 'services.nodeports': '0' } } },
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'defaults' },
      spec: { limits: [{ type: 'Container', default: { memory: '1Gi' }, defaultRequest: { cpu: '100m', memory: '256Mi' } }] },
    },
  ];
}

function workPolicy(network: Network): k8s.NetworkPolicySpec {
  const ownPods = { podSelector: {} };
  const port = (number: number, protocol: string) => ({ port: k8s.IntOrString.fromNumber(number), protocol });
  return {
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [ownPods, ...network.userGateway.peers] }],
    egress: [
      { to: [...network.dns.peers], ports: [port(53, 'TCP'), port(53, 'UDP')] },
      { to: [ownPods, ...network.gateway.peers, ...network.internet.peers] },
    ],
  };
}

/**
 * CEL: the request is by a keeper of the fence: who may do the same to `fences` of the group `datalab-stacks.io` in the whole
 * cluster. No server knows that resource; RBAC does. Administrators have it, the namespace and garbage collectors of
 * Kubernetes as far as they go, and whom a ClusterRole gives it to.
 */
export const keeper = "authorizer.group('datalab-stacks.io').resource('fences').check(request.operation.lowerAscii()).allowed()";

/** CEL: the request is by who makes namespaces: Onyxia's API where it may. */
export const maker = "authorizer.group('').resource('namespaces').check('create').allowed()";

/** The fence of people's namespaces stays, pods need it, and what people add to it opens nothing. */
export class UserFence extends Construct {
  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id);
    const { network } = platform;
    const parts = fenceOf(network).filter(({ kind }) => kind === 'NetworkPolicy').map(({ metadata }) => metadata.name);
    const all = ['CREATE', 'UPDATE', 'DELETE'] as const;
    const named = `${subject}.metadata.name in ${cel(parts)}`;

    new Admission(this, 'fence', {
      requests: { operations: all, resources: { 'networking.k8s.io': ['networkpolicies'] } },
      conditions: { 'part-of-the-fence': named },
      validations: [{
        expression: keeper,
        message: `The network policies ${parts.join(' and ')} belong to the platform and stay as they are. Pods of the same namespace reach each other already; for another connection ask the platform's operators.`,
      }],
    });
    new Admission(this, 'quotas', {
      requests: { operations: all, resources: { '': ['resourcequotas', 'limitranges'] } },
      validations: [{
        expression: `${keeper} || (request.resource.resource == 'resourcequotas' && request.operation != 'DELETE' && object.metadata.name == 'onyxia-quota' && ${maker})`,
        message: "Quotas and limit ranges of this namespace belong to the platform: to get more, ask the platform's operators. Onyxia itself writes onyxia-quota and nothing else.",
      }],
    });
    new Admission(this, 'network-policies', {
      requests: { operations: ['CREATE', 'UPDATE'], resources: { 'networking.k8s.io': ['networkpolicies'] } },
      conditions: { ...changesSpec, 'of-people': `!(${named}) && !${keeper}` },
      validations: [
        {
          expression: `!has(object.spec.ingress) || object.spec.ingress.all(rule, has(rule.from) && rule.from.size() > 0 && rule.from.all(peer, ${near(network)}))`,
          message: allowedPeers('ingress', 'from', network),
        },
        {
          expression: `!has(object.spec.egress) || object.spec.egress.all(rule, has(rule.to) && rule.to.size() > 0 && rule.to.all(peer, ${near(network)}))`,
          message: allowedPeers('egress', 'to', network),
        },
      ],
    });
    // Where the policy is missing the API server has no words but its own, so the name says it.
    new Admission(this, 'namespace-is-being-prepared-try-again', {
      requests: { operations: ['CREATE'], resources: { '': ['pods'] } },
      param: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', name: 'default-deny' },
      validations: [{
        expression:
          "!has(params.spec.podSelector.matchLabels) && !has(params.spec.podSelector.matchExpressions) && ['Ingress', 'Egress'].all(type, type in params.spec.policyTypes) && !has(params.spec.ingress) && !has(params.spec.egress)",
        message: "The network policy default-deny of this namespace denies less than everything, so no pod starts here: tell the platform's operators.",
      }],
    });
  }
}

/** CEL: `peer` is pods of the same namespace, or exactly the region's gateway. */
function near({ userGateway }: Network): string {
  const ours = userGateway.peers.map(({ namespaceSelector, podSelector }) => [
    "has(peer.namespaceSelector) && has(peer.namespaceSelector.matchLabels) && has(peer.podSelector) && has(peer.podSelector.matchLabels)",
    `peer.namespaceSelector.matchLabels == ${cel(namespaceSelector!.matchLabels)} && peer.podSelector.matchLabels == ${cel(podSelector!.matchLabels)}`,
  ].join(' && '));
  return ['(!has(peer.namespaceSelector) && !has(peer.ipBlock))', ...ours.map((one) => `(${one})`)].join(' || ');
}

function allowedPeers(rules: string, field: string, { userGateway }: Network): string {
  const [{ namespaceSelector, podSelector } = {}] = userGateway.peers;
  const { 'kubernetes.io/metadata.name': namespace } = namespaceSelector!.matchLabels!;
  return `Each ${rules} rule names its peers in \`${field}\`: pods of this namespace (podSelector alone), or the gateway (namespaceSelector kubernetes.io/metadata.name: ${namespace} with podSelector ${JSON.stringify(podSelector!.matchLabels)}). Everything wider is refused; a chart that brings such a policy has a value to leave it out, often networkPolicy.enabled: false.`;
}

/** Lets the group `edit`, and so `admin`, write the routes of the Gateway API, which Kubernetes itself does not know. */
export class UserRouteRights extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new ApiObject(this, 'role', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'datalab-routes', labels: { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' } },
      rules: [{
        apiGroups: ['gateway.networking.k8s.io'],
        resources: ['httproutes', 'grpcroutes'],
        verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'],
      }],
    });
  }
}
