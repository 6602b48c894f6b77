export interface Image {
  /** With its registry, without a tag. */
  readonly repository: string;
  readonly tag: string;
}

/** Every image of the platform. A region may rewrite the registry and lock digests. */
export const images = {
  /** The last 26.7 on Maven Central, which the embedded region runs. */
  keycloak: { repository: 'quay.io/keycloak/keycloak', tag: '26.7.5' },
  /** Kept fork of MinIO, whose own repository and images ended in 2026: docs/adr/0006-object-store.md. */
  minio: { repository: 'docker.io/pgsty/silo', tag: 'RELEASE.2026-10-26T00-00-00Z' },
  postgresql: { repository: 'docker.io/library/postgres', tag: '17.7' },
  /** Business Source License, not a free one: docs/adr/0013-vault.md. */
  vault: { repository: 'docker.io/hashicorp/vault', tag: '2.0.4' },
  /** Chart generation 11.5 of Onyxia: web 5.5.1 with API 4.12.0. */
  onyxiaWeb: { repository: 'docker.io/inseefrlab/onyxia-web', tag: '5.5.1' },
  onyxiaApi: { repository: 'docker.io/inseefrlab/onyxia-api', tag: 'v4.12.0' },
  /** Current device plugin; the GPU operator would bring its own. */
  gpuDevicePlugin: { repository: 'nvcr.io/nvidia/k8s-device-plugin', tag: 'v0.20.0' },
  /** With a shell, which the image of Kubernetes itself (registry.k8s.io/kubectl) lacks. The version of the oldest API server that is supported, or one more. */
  kubectl: { repository: 'docker.io/alpine/kubectl', tag: '1.37.2' },
} as const satisfies Record<string, Image>;
