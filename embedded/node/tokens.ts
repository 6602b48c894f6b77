import type { Kube, KubeObject } from '../kube';
import { readText } from '../state';

interface TokenSource {
  readonly audience?: string;
  readonly expirationSeconds?: number;
}

/** The token in the file, or a new one of the pod's service account when a fifth or less of its life remains or it is a day old, as the kubelet does. */
export async function freshToken(kube: Kube, pod: KubeObject, { audience, expirationSeconds = 3600 }: TokenSource, file: string): Promise<string> {
  const kept = readText(file);
  if (kept && isYoung(kept)) return kept;
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

function isYoung(token: string): boolean {
  const { iat, exp } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as { iat: number; exp: number };
  const age = Date.now() / 1000 - iat;
  return age < 0.8 * (exp - iat) && age < 24 * 60 * 60;
}
