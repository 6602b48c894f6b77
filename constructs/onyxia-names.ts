/** The service account of Onyxia's API. */
export const onyxiaAccount = { kind: 'ServiceAccount', namespace: 'onyxia', name: 'onyxia-api' } as const;

/** The API server puts it before the names of people and groups that the realm tells. */
export const rbacPrefix = 'oidc-';

/** Label of each namespace of a person or project: whose it is. */
export const ownerLabel = 'onyxia_owner';

export const userPrefix = 'user-';
export const projectPrefix = 'projet-';

/** Audience of people's access tokens at Onyxia's API. */
export const onyxiaAudience = 'onyxia-api';

/** Audience of people's access tokens at the cluster's API server. */
export const kubernetesAudience = 'kubernetes';
