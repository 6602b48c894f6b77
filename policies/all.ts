import type { Rule } from './rule';
import { admissionFailsClosed } from './rules/admission-fails-closed';
import { capabilities } from './rules/capabilities';
import { certificateIssuer } from './rules/certificate-issuer';
import { clusterAdmin } from './rules/cluster-admin';
import { containerResources } from './rules/container-resources';
import { defaultDeny } from './rules/default-deny';
import { deprecatedApis } from './rules/deprecated-apis';
import { disruptionBudget } from './rules/disruption-budget';
import { exposedServices } from './rules/exposed-services';
import { gpuPods } from './rules/gpu-pods';
import { hostNamespaces } from './rules/host-namespaces';
import { hostPort } from './rules/host-port';
import { imageDigest } from './rules/image-digest';
import { imageRegistry } from './rules/image-registry';
import { imageTag } from './rules/image-tag';
import { internetEgress } from './rules/internet-egress';
import { keycloakClientFlows } from './rules/keycloak-client-flows';
import { keycloakMappers } from './rules/keycloak-mappers';
import { keycloakProfile } from './rules/keycloak-profile';
import { keycloakRealm } from './rules/keycloak-realm';
import { keycloakRedirects } from './rules/keycloak-redirects';
import { longLivedToken } from './rules/long-lived-token';
import { namespaceQuota } from './rules/namespace-quota';
import { oneStack } from './rules/one-stack';
import { openNetwork } from './rules/open-network';
import { podSecurityLevel } from './rules/pod-security-level';
import { privilegeEscalation } from './rules/privilege-escalation';
import { privilegedContainer } from './rules/privileged-container';
import { probes } from './rules/probes';
import { rbacEscalation } from './rules/rbac-escalation';
import { rbacEverybody } from './rules/rbac-everybody';
import { rbacExec } from './rules/rbac-exec';
import { rbacSecrets } from './rules/rbac-secrets';
import { rbacWildcard } from './rules/rbac-wildcard';
import { readOnlyRoot } from './rules/read-only-root';
import { routeHosts } from './rules/route-hosts';
import { routeTls } from './rules/route-tls';
import { runAsNonRoot } from './rules/run-as-non-root';
import { s3Control } from './rules/s3-control';
import { s3Public } from './rules/s3-public';
import { s3StaticKeys } from './rules/s3-static-keys';
import { s3Versioning } from './rules/s3-versioning';
import { s3Wildcard } from './rules/s3-wildcard';
import { seccomp } from './rules/seccomp';
import { secretInPlainSight } from './rules/secret-in-plain-sight';
import { secretValue } from './rules/secret-value';
import { serviceAccountToken } from './rules/service-account-token';
import { statefulProtected } from './rules/stateful-protected';
import { storageClass } from './rules/storage-class';
import { unsafePodSettings } from './rules/unsafe-pod-settings';
import { vaultAudit } from './rules/vault-audit';
import { vaultCapabilities } from './rules/vault-capabilities';
import { vaultLogins } from './rules/vault-logins';
import { vaultPersonPath } from './rules/vault-person-path';
import { volumeTypes } from './rules/volume-types';

/** Every rule, by id. */
export const rules: readonly Rule[] = [
  admissionFailsClosed,
  capabilities,
  certificateIssuer,
  clusterAdmin,
  containerResources,
  defaultDeny,
  deprecatedApis,
  disruptionBudget,
  exposedServices,
  gpuPods,
  hostNamespaces,
  hostPort,
  imageDigest,
  imageRegistry,
  imageTag,
  internetEgress,
  keycloakClientFlows,
  keycloakMappers,
  keycloakProfile,
  keycloakRealm,
  keycloakRedirects,
  longLivedToken,
  namespaceQuota,
  oneStack,
  openNetwork,
  podSecurityLevel,
  privilegeEscalation,
  privilegedContainer,
  probes,
  rbacEscalation,
  rbacEverybody,
  rbacExec,
  rbacSecrets,
  rbacWildcard,
  readOnlyRoot,
  routeHosts,
  routeTls,
  runAsNonRoot,
  s3Control,
  s3Public,
  s3StaticKeys,
  s3Versioning,
  s3Wildcard,
  seccomp,
  secretInPlainSight,
  secretValue,
  serviceAccountToken,
  statefulProtected,
  storageClass,
  unsafePodSettings,
  vaultAudit,
  vaultCapabilities,
  vaultLogins,
  vaultPersonPath,
  volumeTypes,
];
