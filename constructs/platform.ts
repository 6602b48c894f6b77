import { Chart } from 'cdk8s';
import { Construct, type IConstruct } from 'constructs';
import type { Instance } from '../model/instance';
import { stackLabel } from '../model/objects';
import type { Region, Size } from '../model/region';
import type { Stack } from '../model/stack';
import type { Image } from './images';
import { Network } from './network';

/** Everything that one stack deploys: one instance in one region. The root of the construct tree. */
export class Platform extends Chart {
  readonly instance: Instance;
  readonly region: Region;
  readonly stack: Stack;
  /** Who may talk to whom. */
  readonly network: Network;

  static override of(construct: IConstruct): Platform {
    return Chart.of(construct) as Platform;
  }

  constructor(scope: Construct, stack: Stack) {
    super(scope, stack.name, {
      disableResourceNameHashes: true,
      labels: {
        'app.kubernetes.io/part-of': 'datalab',
        'app.kubernetes.io/managed-by': 'datalab-stacks',
        [stackLabel]: stack.name,
      },
    });
    this.stack = stack;
    this.instance = stack.instance;
    this.region = stack.instance.regions[stack.region]!;
    this.network = new Network(this.region);
  }

  /** The value for the region's size. */
  sized<T>(values: Readonly<Record<Size, T>>): T {
    return values[this.region.size];
  }

  /** The reference that this region pulls the image by: from its own registry, by digest where one is locked. */
  image({ repository, tag }: Image): string {
    const registry = this.region.internet === 'direct' ? this.region.images.registry : this.region.internet.registry;
    const reference = `${repository}:${tag}`;
    const digest = this.region.images.digests?.[reference];
    const from = registry ? `${registry}/${repository.slice(repository.indexOf('/') + 1)}` : repository;
    return digest ? `${from}:${tag}@${digest}` : `${from}:${tag}`;
  }

  /** The host of one of the platform's systems: the region's choice, else `<system>.<domain>`. */
  host(system: keyof Region['endpoints'], fallback: string): string {
    return this.region.endpoints[system] ?? `${fallback}.${this.region.exposure.domain}`;
  }

  /** The URL of a host of the platform, as people reach it. */
  url(host: string): string {
    const { port } = this.region.exposure;
    return `https://${host}${port === 443 ? '' : `:${port}`}`;
  }

  /** The storage class for a use; `default` where the region names none. */
  storageClass(use: 'database' | 'objects'): string {
    return this.region.storageClasses[use] ?? this.region.storageClasses.default;
  }
}
