import { createHash, X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

/** The password that Java's own keystore of authorities has had always; it protects nothing. */
const password = 'changeit';

/**
 * A keystore of the format JKS with the authorities that Node.js trusts. Debian's Java package comes without one: its
 * scripts make it when it is installed. The format is what `sun.security.provider.JavaKeyStore` of the JDK reads.
 */
export function authoritiesKeystore(): Buffer {
  const entries = rootCertificates.map((pem, index) => {
    const { raw } = new X509Certificate(pem);
    const trustedCertificate = 2;
    return Buffer.concat([int(trustedCertificate), text(`authority-${index}`), Buffer.alloc(8), text('X.509'), int(raw.length), raw]);
  });
  const content = Buffer.concat([int(0xfeedfeed), int(2), int(entries.length), ...entries]);
  const digest = createHash('sha1').update(Buffer.from(password, 'utf16le').swap16()).update('Mighty Aphrodite').update(content).digest();
  return Buffer.concat([content, digest]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** As Java writes ASCII: its length in two bytes, then itself. */
function text(value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([length, Buffer.from(value, 'ascii')]);
}
