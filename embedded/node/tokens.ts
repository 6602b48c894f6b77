import type { Kube, KubeObject } from '../kube';
import { readText } from '../state';

interface TokenSource {
  readonly audience?: string;
  readonly expirationSeconds?: number;
}

/** The token in the file, or a new one of the pod's service account when a fifth or less of its life remains. */
export async function freshToken(kube: Kube, pod: KubeObject, { audience, expirationSeconds = 3600 }: TokenSource, file: string): Promise<string> {
  const kept = readText(file);
  if (kept && lifeLeft(kept) > 0.2) return kept;
  const { name, namespace, uid } = pod.metadata;
  const account: string = pod.spec.serviceAccountName ?? 'default';
  const answer = await kube.send<{ status: { token: string } }>('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience ? [audience] : [],
      expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  });
  return answer.status.token;
}

/** The part of a token's life that remains, from 1 down to 0 and below. */
function lifeLeft(token: string): number {
  const { iat, exp } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as { iat: number; exp: number };
  return (exp - Date.now() / 1000) / (exp - iat);
}
