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
  /** Current device plugin; the GPU operator would bring its own. */
  gpuDevicePlugin: { repository: 'nvcr.io/nvidia/k8s-device-plugin', tag: 'v0.20.0' },
} as const satisfies Record<string, Image>;
