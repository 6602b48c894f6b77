import type { Localized } from '../model/brand';

/** A chart that is left out, and the fact that is the reason. */
export interface Exclusion {
  readonly charts: readonly string[];
  readonly why: string;
  /** @default every instance */
  readonly where?: 'confidential' | 'without GPUs';
}

/** A catalog of Helm charts as its publisher offers it, and what we leave out of it. */
export interface CatalogDefinition {
  readonly name: Localized;
  readonly description: Localized;
  readonly maintainer: string;
  /** The publisher's Helm repository; a region without internet has a mirror. */
  readonly location: string;
  /** Shown first. */
  readonly highlighted: readonly string[];
  readonly excluded: readonly Exclusion[];
}
