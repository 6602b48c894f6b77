import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { rootCertificates } from 'node:tls';
import { callGateway } from '../../embedded/https';

test('a gateway that has no certificate yet is told in words, not by an alert of TLS', async () => {
  const gateway = createServer({ SNICallback: (_host, done) => done(null, undefined) });
  await new Promise<void>((listening) => gateway.listen(0, '127.0.0.1', listening));
  const call = callGateway(`https://auth.datalab.localhost:${(gateway.address() as AddressInfo).port}/`, rootCertificates[0]!);
  await expect(call).rejects.toThrow(/the gateway has no certificate for this host yet/);
  await new Promise((closed) => gateway.close(closed));
});
