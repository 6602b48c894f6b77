import type { Localized } from '../model/brand';
import type { CatalogId } from '../model/catalogs';
import type { Instance } from '../model/instance';
import type { Region } from '../model/region';
import { automation } from './automation';
import { databases } from './databases';
import { dataviz } from './dataviz';
import type { CatalogDefinition, Exclusion } from './definition';
import { ide } from './ide';

/**
 * A catalog as Onyxia's API 4.12 reads it. It logs the password of a catalog in clear and can skip the check of
 * certificates: `username`, `password` and `skipTlsVerify` cannot be written. OCI repositories are not supported (onyxia-api#547).
 */
export interface OnyxiaCatalog {
  readonly id: CatalogId;
  readonly name: Localized;
  readonly description: Localized;
  readonly maintainer: string;
  readonly location: string;
  readonly status: 'PROD';
  readonly type: 'helm';
  readonly highlightedCharts: readonly string[];
  readonly excludedCharts: readonly string[];
  /** People may show their service to others of a project. */
  readonly allowSharing: boolean;
  readonly multipleServicesMode: 'latest';
}

export const catalogs: Readonly<Record<CatalogId, CatalogDefinition>> = { ide, databases, automation, dataviz };

/** The catalogs that an instance offers in a region, in the instance's order. */
export function catalogsOf(instance: Pick<Instance, 'catalogs' | 'posture'>, region: Region): OnyxiaCatalog[] {
  return instance.catalogs.map((id) => {
    const { name, description, maintainer, location, highlighted, excluded } = catalogs[id];
    return {
      id,
      name,
      description,
      maintainer,
      location: region.internet === 'direct' ? location : `${region.internet.mirrors.helm}/${id}`,
      status: 'PROD',
      type: 'helm',
      highlightedCharts: highlighted,
      excludedCharts: excluded.filter((exclusion) => applies(exclusion, instance, region)).flatMap(({ charts }) => charts).sort(),
      allowSharing: instance.posture === 'open' && id !== 'ide',
      multipleServicesMode: 'latest',
    };
  });
}

function applies({ where }: Exclusion, { posture }: Pick<Instance, 'posture'>, { nodePools }: Region): boolean {
  if (where === 'confidential') return posture === 'confidential';
  return where === undefined || !nodePools.some((pool) => pool.gpu);
}
