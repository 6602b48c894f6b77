import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { inflateRawSync } from 'node:zlib';

const endOfDirectory = 0x06054b50;
const entrySignature = 0x02014b50;

/**
 * Unpacks a zip archive of less than 4 GB, with the modes that its files were packed with: not every computer has
 * `unzip`. @throws Error when it is none, or has entries outside its own folder.
 */
export function unzip(archive: string, directory: string): void {
  const bytes = readFileSync(archive);
  let end = bytes.length - 22;
  while (end >= 0 && bytes.readUInt32LE(end) !== endOfDirectory) end--;
  if (end < 0) throw new Error(`${archive} is not a zip archive`);
  let at = bytes.readUInt32LE(end + 16);
  for (let count = bytes.readUInt16LE(end + 10); count > 0; count--) {
    if (bytes.readUInt32LE(at) !== entrySignature) throw new Error(`${archive} is damaged`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset)) as [number, number, number];
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    if (normalize(name).startsWith('..') || name.startsWith('/')) throw new Error(`${archive} has an entry outside its folder: ${name}`);
    if (!name.endsWith('/')) {
      const mode = (bytes.readUInt32LE(at + 38) >>> 16) & 0o777;
      const local = bytes.readUInt32LE(at + 42);
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const packed = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), bytes.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed), { mode: mode || 0o644 });
    }
    at += 46 + nameLength + extraLength + commentLength;
  }
}
