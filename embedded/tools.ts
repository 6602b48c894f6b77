/** How one binary is found in the publisher's release. */
export interface Release {
  readonly url: string;
  /** The publisher's checksum: one SHA-256 alone, or a list of `<sha256>  <file>`. */
  readonly checksum: string;
  /** Path of the binary inside the tar.gz at `url`. @default `url` is the binary itself */
  readonly member?: string;
}

export interface Tool {
  readonly version: string;
  /** Binary → the Go package it is built from, in the module pinned in embedded/tools/<tool>/go.mod. */
  readonly packages: Readonly<Record<string, string>>;
  /** @default none */
  readonly ldflags?: string;
  /** Go's build tags. @default none */
  readonly tags?: string;
  /** How long a build takes on 2 cores, measured. */
  readonly buildTime: string;
  /** @default none: its publisher gives no checksum */
  readonly release?: (binary: string, arch: 'amd64' | 'arm64') => Release;
}

const kubernetesVersion = 'k8s.io/component-base/version';

export const toolTable = {
  etcd: {
    version: 'v3.7.3',
    packages: { etcd: 'go.etcd.io/etcd/server/v3' },
    buildTime: '35 s',
    release: (_binary, arch) => {
      const base = 'https://github.com/etcd-io/etcd/releases/download/v3.7.3';
      const name = `etcd-v3.7.3-linux-${arch}`;
      return { url: `${base}/${name}.tar.gz`, checksum: `${base}/SHA256SUMS`, member: `${name}/etcd` };
    },
  },
  kubernetes: {
    version: 'v1.37.2',
    packages: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    },
    ldflags: `-X ${kubernetesVersion}.gitVersion=v1.37.2 -X ${kubernetesVersion}.gitMajor=1 -X ${kubernetesVersion}.gitMinor=37`,
    buildTime: '6 min',
    release: (binary, arch) => {
      const url = `https://dl.k8s.io/release/v1.37.2/bin/linux/${arch}/${binary}`;
      return { url, checksum: `${url}.sha256` };
    },
  },
  kwok: {
    version: 'v0.8.0',
    packages: { kwok: 'sigs.k8s.io/kwok/cmd/kwok' },
    buildTime: '1 min',
  },
  /** Its publisher has ended it, with its releases: the Go module remains. */
  minio: {
    version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
    packages: { minio: 'github.com/minio/minio' },
    buildTime: '2 min',
  },
  pulumi: {
    version: 'v3.220.0',
    packages: { pulumi: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi' },
    ldflags: '-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.220.0',
    buildTime: '80 s',
    release: (_binary, arch) => {
      const base = 'https://github.com/pulumi/pulumi/releases/download/v3.220.0';
      const name = `pulumi-v3.220.0-linux-${arch === 'amd64' ? 'x64' : arch}.tar.gz`;
      return { url: `${base}/${name}`, checksum: `${base}/pulumi-3.220.0-checksums.txt`, member: 'pulumi/pulumi' };
    },
  },
  /** The last version whose module builds as a dependency; its release is a zip, and Go is needed for others anyway. */
  vault: {
    version: 'v1.21.0',
    packages: { vault: 'github.com/hashicorp/vault' },
    tags: 'minimal',
    buildTime: '3 min',
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof toolTable;

/** The binaries of some tools: `BinaryOf<'etcd' | 'kwok'>` is `'etcd' | 'kwok'`. */
export type BinaryOf<Name extends ToolName> = { [N in Name]: keyof (typeof toolTable)[N]['packages'] }[Name] & string;
