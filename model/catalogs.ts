/** The catalogs of Helm charts that catalogs/ describes. */
export const catalogIds = ['ide', 'databases', 'automation', 'dataviz'] as const;

export type CatalogId = (typeof catalogIds)[number];
