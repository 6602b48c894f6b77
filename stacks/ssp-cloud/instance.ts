import { defineInstance } from '../../model/instance';
import { embeddedRegion } from '../../model/embedded-region';
import type { RegionDefinition } from '../../model/region';

const gpuTaint = { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' } as const;

/**
 * 20 servers, 1100 CPUs, 10 TB of RAM and 34 GPUs: the totals that Insee publishes for the SSP Cloud.
 * How they spread over pools, and the GPU models, are our assumption.
 */
const nodePools: RegionDefinition['nodePools'] = [
  { name: 'cpu', count: 13, cpus: 56, memory: '500G', labels: { pool: 'cpu' } },
  {
    name: 'gpu-t4', count: 4, cpus: 48, memory: '500G', labels: { pool: 'gpu-t4' }, taints: [gpuTaint],
    gpu: { product: 'Tesla-T4', count: 4, sharing: { mode: 'whole' } },
  },
  {
    name: 'gpu-a2', count: 3, cpus: 60, memory: '500G', labels: { pool: 'gpu-a2' }, taints: [gpuTaint],
    gpu: { product: 'NVIDIA-A2', count: 6, sharing: { mode: 'whole' } },
  },
];

const quotas: RegionDefinition['quotas'] = {
  user: {
    'requests.cpu': '30', 'requests.memory': '128Gi', 'requests.storage': '100Gi', 'count/pods': 50, 'requests.nvidia.com/gpu': 2,
  },
  group: {
    'requests.cpu': '60', 'requests.memory': '256Gi', 'requests.storage': '500Gi', 'count/pods': 100, 'requests.nvidia.com/gpu': 4,
  },
};

export default defineInstance({
  name: 'ssp-cloud',
  posture: 'open',
  languages: ['fr', 'en'],
  brand: {
    name: 'SSP Cloud',
    tagline: {
      fr: 'Le datalab ouvert de la statistique publique',
      en: 'The open datalab of official statistics',
    },
    colours: { primary: '#ff562c', onPrimary: '#1a1a1a', background: '#fffdf8' },
    logo: 'brand/logo.svg',
    links: [{ label: { fr: 'Documentation', en: 'Documentation' }, url: 'https://docs.sspcloud.fr' }],
  },
  realm: 'sspcloud',
  projects: [],
  catalogs: ['ide', 'databases', 'automation', 'dataviz'],
  waivers: [
    {
      rules: ['pod-security-level'], objects: '_cluster/namespace/user-*', owner: 'platform team', until: '2027-06-30',
      reason: 'Charts of the catalogs set no security context and their images offer sudo, so people get baseline: no node, no host path, no privileged container. Restricted is warned of and audited.',
    },
    {
      rules: ['read-only-root'], objects: 'onyxia/deployment/*', owner: 'platform team', until: '2027-06-30',
      reason: 'The entrypoints of both images write their configuration and authorities into the image before they start. They run as a user without rights.',
    },
    {
      rules: ['service-account-token'], objects: 'onyxia/deployment/onyxia-api', owner: 'platform team', until: '2027-06-30',
      reason: 'It runs Helm against the API server for people. Its rights come with each namespace and end there; an admission policy refuses everything else that it writes.',
    },
    {
      rules: ['service-account-token'], objects: 'fence/deployment/fence', owner: 'platform team', until: '2027-06-30',
      reason: 'It writes the network policies of namespaces that Onyxia makes. It reads no Secret, and an admission policy confines it to namespaces of people.',
    },
    {
      rules: ['rbac-escalation'], objects: '_cluster/clusterrole/datalab-onyxia-onboarding', owner: 'platform team', until: '2027-06-30',
      reason: 'Onyxia makes a new person admin of their own namespace. It may bind three roles by name, and an admission policy refuses any other namespace and any other subject.',
    },
    {
      rules: ['pod-security-level'], objects: '_cluster/namespace/gpu', owner: 'platform team', until: '2027-06-30',
      reason: 'The device plugin talks to the kubelet through a directory of the node; the namespace holds nothing else, and nobody but the platform may create pods there.',
    },
    {
      rules: ['run-as-non-root', 'volume-types'], objects: 'gpu/daemonset/device-plugin-*', owner: 'platform team', until: '2027-06-30',
      reason: 'The device plugin registers on a socket of the kubelet that belongs to root. It has no capability, no network and no token of the API server.',
    },
    {
      rules: ['read-only-root'], objects: 'keycloak/statefulset/keycloak', owner: 'platform team', until: '2027-06-30',
      reason: 'Keycloak compiles its configuration into its own folder when it starts. It runs as a user without rights and has no shell in its image.',
    },
    {
      rules: ['rbac-everybody'], objects: '_cluster/clusterrolebinding/datalab-issuer-discovery', owner: 'platform team', until: '2027-06-30',
      reason: 'Servers fetch the public keys of service-account tokens without a login. The role reads two paths that hold public keys alone.',
    },
  ],
  regions: {
    /** About 1000 distinct users a month. */
    paris: {
      title: 'Paris',
      cluster: {
        access: { context: 'ssp-cloud-paris' },
        apiServer: { cidrs: ['10.10.0.0/24'], port: 6443, url: 'https://kubernetes.lab.sspcloud.fr:6443' },
        serviceAccountIssuer: 'https://kubernetes.default.svc.cluster.local',
        webhookCallers: ['10.10.0.0/24'],
        dns: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
      },
      nodePools,
      storageClasses: { default: 'ceph-block', objects: 'local-xfs' },
      storage: '150T',
      exposure: {
        via: 'gateway',
        className: 'envoy',
        from: { namespace: 'envoy-gateway-system', labels: { 'app.kubernetes.io/name': 'envoy' } },
        domain: 'lab.sspcloud.fr',
        userDomain: 'user.lab.sspcloud.fr',
        userIngress: { className: 'nginx', from: { namespace: 'ingress-nginx', labels: { 'app.kubernetes.io/name': 'ingress-nginx' } } },
        clusterIssuer: 'letsencrypt',
      },
      size: 'ha',
      quotas,
      endpoints: { identity: 'auth.lab.sspcloud.fr', objectStore: 'minio.lab.sspcloud.fr' },
      crds: 'present',
      internet: 'direct',
      // Assumed: the address of another Vault of the organisation.
      vault: {
        seal: { kind: 'transit', address: 'https://vault.insee.fr', mount: 'transit', key: 'ssp-cloud-paris', cidrs: ['10.10.40.0/28'] },
        threshold: 2,
      },
    },
    local: embeddedRegion({
      nodePools,
      domain: 'ssp-cloud.localhost',
      port: 8443,
      quotas: {
        user: { ...quotas.user, 'requests.cpu': '8', 'requests.memory': '16Gi', 'requests.nvidia.com/gpu': 1 },
        group: { ...quotas.group, 'requests.cpu': '8', 'requests.memory': '16Gi', 'requests.nvidia.com/gpu': 1 },
      },
      demoUsers: { alice: {}, bob: {}, dave: { admin: true } },
      internet: 'direct',
      seal: 'transit',
    }),
  },
});
