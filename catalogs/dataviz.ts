import type { CatalogDefinition } from './definition';

/** Dashboards (github.com/InseeFrLab/helm-charts-datavisualization, 2025-08-26); not among the API's own defaults any more. */
export const dataviz: CatalogDefinition = {
  name: { fr: 'Visualisation', en: 'Data visualisation' },
  description: { fr: 'Tableaux de bord.', en: 'Dashboards.' },
  maintainer: 'innovation@insee.fr',
  location: 'https://inseefrlab.github.io/helm-charts-datavisualization',
  highlighted: ['superset'],
  excluded: [{ charts: ['redash'], why: 'version 0.0.9, not touched since 2025-08' }],
};
