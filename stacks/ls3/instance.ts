import { defineInstance } from '../../model/instance';
import { embeddedRegion } from '../../model/embedded-region';
import type { RegionDefinition } from '../../model/region';

/** Sizes are our assumption: Insee does not publish those of LS3. */
const nodePools: RegionDefinition['nodePools'] = [
  { name: 'cpu', count: 6, cpus: 64, memory: '512G', labels: { pool: 'cpu' } },
  {
    name: 'gpu', count: 2, cpus: 64, memory: '512G', labels: { pool: 'gpu' },
    taints: [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }],
    gpu: { product: 'NVIDIA-A100-SXM4-80GB', count: 4, sharing: { mode: 'mig', profile: '1g.10gb', instances: 7 } },
  },
];

const quotas: RegionDefinition['quotas'] = {
  user: {
    'requests.cpu': '8', 'requests.memory': '32Gi', 'requests.storage': '50Gi', 'count/pods': 20, 'requests.nvidia.com/gpu': 1,
  },
  group: {
    'requests.cpu': '16', 'requests.memory': '48Gi', 'requests.storage': '500Gi', 'count/pods': 40, 'requests.nvidia.com/gpu': 4,
  },
};

const internet: RegionDefinition['internet'] = {
  proxy: { http: 'http://proxy.ls3.insee.fr:3128', https: 'http://proxy.ls3.insee.fr:3128', noProxy: ['.svc', '.cluster.local', '.ls3.insee.fr'] },
  mirrors: {
    pypi: 'https://nexus.ls3.insee.fr/repository/pypi/simple',
    cran: 'https://nexus.ls3.insee.fr/repository/cran',
    conda: 'https://nexus.ls3.insee.fr/repository/conda',
    helm: 'https://nexus.ls3.insee.fr/repository/helm',
  },
  caBundle: 'https://pki.ls3.insee.fr/ca-bundle.pem',
  registry: 'registry.ls3.insee.fr/datalab',
  forge: 'https://forge.ls3.insee.fr',
  cidrs: ['10.20.30.0/24'],
};

export default defineInstance({
  name: 'ls3',
  posture: 'confidential',
  languages: ['fr'],
  brand: {
    name: 'LS3',
    tagline: { fr: 'Le libre-service de traitement des données confidentielles' },
    colours: { primary: '#000091', onPrimary: '#ffffff', background: '#f6f6f6' },
    logo: 'brand/logo.svg',
    links: [{ label: { fr: 'Assistance' }, url: 'https://assistance.ls3.insee.fr' }],
  },
  realm: 'ls3',
  projects: [
    { name: 'ape', title: "Codification automatique de l'activité principale", group: 'LS3_APE' },
    { name: 'fideli', title: 'Fichiers démographiques sur les logements et les individus', group: 'LS3_FIDELI' },
  ],
  catalogs: ['ide', 'databases', 'automation'],
  waivers: [
    {
      rules: ['pod-security-level'], objects: '_cluster/namespace/user-*', owner: 'security officer of LS3', until: '2027-06-30',
      reason: 'Charts of the catalogs set no security context and their images offer sudo, so people get baseline: no node, no host path, no privileged container. Restricted is warned of and audited.',
    },
    {
      rules: ['pod-security-level'], objects: '_cluster/namespace/projet-*', owner: 'security officer of LS3', until: '2027-06-30',
      reason: 'The same charts run in the namespaces of projects: baseline, with restricted warned of and audited.',
    },
    {
      rules: ['read-only-root'], objects: 'onyxia/deployment/*', owner: 'security officer of LS3', until: '2027-06-30',
      reason: 'The entrypoints of both images write their configuration and authorities into the image before they start. They run as a user without rights.',
    },
    {
      rules: ['service-account-token'], objects: 'onyxia/deployment/onyxia-api', owner: 'security officer of LS3', until: '2027-06-30',
      reason: 'It runs Helm against the API server for people. Its rights come with each namespace and end there; an admission policy refuses everything else that it writes.',
    },
    {
      rules: ['pod-security-level'], objects: '_cluster/namespace/gpu', owner: 'security officer of LS3', until: '2027-06-30',
      reason: 'The device plugin talks to the kubelet through a directory of the node; the namespace holds nothing else, and nobody but the platform may create pods there.',
    },
    {
      rules: ['capabilities', 'privilege-escalation', 'privileged-container', 'read-only-root', 'run-as-non-root', 'seccomp', 'volume-types'], objects: 'gpu/daemonset/device-plugin-*', owner: 'security officer of LS3', until: '2027-06-30',
      reason: 'To hand out MIG instances the device plugin opens device nodes of the driver, which Kubernetes grants to privileged containers alone. It has no network and no token of the API server.',
    },
    {
      rules: ['read-only-root'], objects: 'keycloak/statefulset/keycloak', owner: 'security officer of LS3', until: '2027-06-30',
      reason: 'Keycloak compiles its configuration into its own folder when it starts. It runs as a user without rights and has no shell in its image.',
    },
    {
      rules: ['rbac-everybody'], objects: '_cluster/clusterrolebinding/datalab-issuer-discovery', owner: 'security officer of LS3', until: '2027-06-30',
      reason: 'Servers fetch the public keys of service-account tokens without a login. The role reads two paths that hold public keys alone.',
    },
    {
      rules: ['image-digest'], objects: '*/*/*', owner: 'operators of LS3', until: '2027-03-31',
      reason: 'The region is not deployed yet, so it holds no data: digests go into images.digests when its registry is filled, before the first deployment. The region local pulls no image.',
    },
  ],
  regions: {
    insee: {
      title: 'Insee',
      cluster: {
        access: { context: 'ls3-insee' },
        apiServer: { cidrs: ['10.20.0.0/28'], port: 6443, url: 'https://kubernetes.ls3.insee.fr:6443' },
        serviceAccountIssuer: 'https://kubernetes.default.svc.cluster.local',
        webhookCallers: ['10.20.0.0/28'],
        dns: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
      },
      nodePools,
      storageClasses: { default: 'block-encrypted', objects: 'xfs-encrypted' },
      storage: '80T',
      exposure: {
        via: 'ingress',
        className: 'haproxy',
        from: { namespace: 'haproxy-controller', labels: { 'app.kubernetes.io/name': 'kubernetes-ingress' } },
        domain: 'ls3.insee.fr',
        userDomain: 'user.ls3.insee.fr',
        clusterIssuer: 'insee-pki',
      },
      size: 'standard',
      quotas,
      crds: 'present',
      internet,
      // Assumed: Insee does not publish who opens its Vaults.
      vault: { seal: { kind: 'pgp' }, threshold: 2 },
      users: ['camille', 'dominique'],
      directory: {
        ldap: 'ldaps://annuaire.insee.fr:636',
        cidrs: ['10.20.40.0/28'],
        usersDn: 'ou=Personnes,o=insee,c=fr',
        groupsDn: 'ou=Groupes,o=insee,c=fr',
      },
    },
    local: embeddedRegion({
      nodePools,
      domain: 'ls3.localhost',
      port: 8444,
      quotas,
      demoUsers: { alice: {}, bob: {}, carol: { projects: ['ape'] }, dave: { admin: true } },
      internet,
      seal: 'pgp',
    }),
  },
});
