import { X509Certificate } from 'node:crypto';
import { follow } from './follow';
import { KubeError, saysReady, type Kube, type KubeObject } from './kube';
import { serverCertificate } from './pki';
import { readText, type RegionState } from './state';

const fieldManager = 'datalab-stacks-agent';
const renewBefore = 30 * 24 * 60 * 60 * 1000;

/**
 * Stands in for cert-manager until `signal` aborts: signs what Certificates ask for with the region's own authority,
 * keeps it in their Secrets, and renews it when less than 30 days remain.
 */
export async function signCertificates(options: { state: RegionState; kube: Kube; log: (line: string) => void; signal: AbortSignal }): Promise<void> {
  const { state, kube, log, signal } = options;
  await follow(kube, '/apis/cert-manager.io/v1/certificates', (certificate) => sign(state, kube, certificate, log), log, signal);
}

async function sign(state: RegionState, kube: Kube, certificate: KubeObject, log: (line: string) => void): Promise<void> {
  const { namespace, name, deletionTimestamp } = certificate.metadata;
  if (deletionTimestamp) return;
  const hosts = certificate.spec.dnsNames as string[];
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: certificate.spec.secretName as string, namespace } };
  const present = await kube.get(secret);
  if (!present || !isGood(present, hosts, new X509Certificate(readText(state.file('pki', 'gateway-ca.crt'))!))) {
    const signed = await serverCertificate(state, hosts);
    await kube.apply(
      { ...secret, type: 'kubernetes.io/tls', stringData: { 'tls.crt': signed.certificate, 'tls.key': signed.key, 'ca.crt': signed.authority } },
      { fieldManager, force: true },
    );
    log(`certificate ${namespace}/${name} signed for ${hosts.join(', ')}`);
  }
  if (saysReady(certificate)) return;
  const ready = { type: 'Ready', status: 'True', reason: 'Signed', message: "signed by the embedded region's stand-in for cert-manager", lastTransitionTime: new Date().toISOString() };
  await kube
    .send('PATCH', `${await kube.path(certificate)}/status`, { status: { conditions: [ready] } }, 'application/merge-patch+json')
    .catch((error: unknown) => {
      if (!(error instanceof KubeError && error.status === 404)) throw error;
    });
}

function isGood(secret: KubeObject, hosts: readonly string[], authority: X509Certificate): boolean {
  const pem = Buffer.from(secret.data?.['tls.crt'] ?? '', 'base64').toString();
  if (!pem) return false;
  const certificate = new X509Certificate(pem);
  return certificate.verify(authority.publicKey) && Date.parse(certificate.validTo) - Date.now() > renewBefore && hosts.every((host) => certificate.checkHost(host));
}
