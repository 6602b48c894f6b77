import type { CatalogDefinition } from './definition';

/** Interactive services: Jupyter, RStudio, VS Code and Marimo (github.com/InseeFrLab/helm-charts-interactive-services, 2026-07-20). */
export const ide: CatalogDefinition = {
  name: { fr: 'Services interactifs', en: 'Interactive services' },
  description: { fr: 'Environnements de travail pour Python, R et Julia.', en: 'Places to work with Python, R and Julia.' },
  maintainer: 'innovation@insee.fr',
  location: 'https://inseefrlab.github.io/helm-charts-interactive-services',
  highlighted: ['jupyter-python', 'rstudio', 'vscode-python'],
  excluded: [
    {
      where: 'without GPUs',
      charts: ['jupyter-python-gpu', 'jupyter-pytorch-gpu', 'jupyter-tensorflow-gpu', 'rstudio-gpu', 'vscode-python-gpu', 'vscode-pytorch-gpu', 'vscode-tensorflow-gpu'],
      why: 'the region has no GPU: their pods would wait for ever',
    },
    {
      where: 'confidential',
      charts: ['jupyter-pyspark', 'rstudio-sparkr', 'vscode-pyspark'],
      why: 'the driver needs the role edit in the namespace; services of a confidential instance get view',
    },
  ],
};
