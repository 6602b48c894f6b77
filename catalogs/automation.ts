import type { CatalogDefinition } from './definition';

/** Onyxia 11 no longer gives charts `s3.AWS_BUCKET_NAME` (web/src, XOnyxia.ts of 11.5.1), and falls back without a word. */
export const lostArtifacts = 'takes its bucket from s3.AWS_BUCKET_NAME, which Onyxia 11 does not give: what it stores stays in the pod and is lost with it';

/** Pipelines, experiments, labels (github.com/InseeFrLab/helm-charts-automation, 2026-08-19). */
export const automation: CatalogDefinition = {
  name: { fr: 'Automatisation', en: 'Automation' },
  description: { fr: 'Chaînes de traitement, étiquetage et observation de modèles.', en: 'Pipelines, labelling and observation of models.' },
  maintainer: 'innovation@insee.fr',
  location: 'https://inseefrlab.github.io/helm-charts-automation',
  highlighted: ['label-studio'],
  excluded: [
    { charts: ['argo-workflows'], why: 'runs its server with --auth-mode=server: whoever reaches the page runs pods in the namespace, without a login' },
    { charts: ['argo-cd'], why: 'needs CustomResourceDefinitions of Argo CD, which the platform does not install' },
    { charts: ['mlflow', 'metaflow', 'yatai'], why: lostArtifacts },
    { where: 'confidential', charts: ['airflow', 'argilla', 'langfuse'], why: 'their own user management is not that of the platform' },
  ],
};
