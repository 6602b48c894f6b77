import { lostArtifacts } from './automation';
import type { CatalogDefinition } from './definition';

/** Databases and query engines (github.com/InseeFrLab/helm-charts-databases, 2026-07-23). */
export const databases: CatalogDefinition = {
  name: { fr: 'Bases de données', en: 'Databases' },
  description: { fr: 'Bases de données et moteurs de requêtes, chacun pour soi ou pour son projet.', en: 'Databases and query engines, for oneself or a project.' },
  maintainer: 'innovation@insee.fr',
  location: 'https://inseefrlab.github.io/helm-charts-databases',
  highlighted: ['postgresql', 'qdrant', 'trino'],
  excluded: [
    { charts: ['postgresql-cnpg'], why: 'needs the operator CloudNativePG, which the platform does not install' },
    { charts: ['hive-metastore', 'spark-history'], why: lostArtifacts },
    { where: 'confidential', charts: ['spark-thrift-server'], why: 'starts executors, for which the driver needs the role edit in the namespace' },
    { where: 'confidential', charts: ['nocodb', 'openrefine'], why: 'web applications without a login of the platform' },
  ],
};
