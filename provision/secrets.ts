import { hkdfSync } from 'node:crypto';
import { resolveSecrets } from '../constructs/secrets';

/**
 * The value of a derived secret: HKDF-SHA256 of the stack's seed, with the secret's label as context; 32 bytes, base64url.
 * Equal seed and label give the equal value; another version gives an unrelated one.
 */
export function derive(seed: string, label: string): string {
  return Buffer.from(hkdfSync('sha256', seed, 'datalab-stacks', label, 32)).toString('base64url');
}

/** The manifest with every token replaced by its value. */
export function withSecrets<T>(value: T, seed: string): T {
  return map(value, (text) => resolveSecrets(text, (label) => derive(seed, label))) as T;
}

function map(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((nested) => map(nested, change));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, nested]) => [key, map(nested, change)]));
  return value;
}
