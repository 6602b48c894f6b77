import { hkdfSync } from 'node:crypto';
import { resolveSecrets } from '../constructs/secrets';
import { epochOf } from '../model/secret-versions';

/** What the derived secrets of a stack come from. */
export interface Seeds {
  readonly current: string;
  /** That of the epochs before the stack's; only while a deployment makes the servers follow. @default the current one */
  readonly previous?: string | undefined;
  /** Of the stack. */
  readonly epoch: number;
}

/**
 * The value of a derived secret: HKDF-SHA256 of the stack's seed, with the secret's label as context; 32 bytes, base64url.
 * Equal seed and label give the equal value; another version gives an unrelated one.
 */
export function derive(seed: string, label: string): string {
  return Buffer.from(hkdfSync('sha256', seed, 'datalab-stacks', label, 32)).toString('base64url');
}

/** The manifest with every token replaced by its value. */
export function withSecrets<T>(value: T, { current, previous = current, epoch }: Seeds): T {
  return map(value, (text) => resolveSecrets(text, (label) => derive(epochOf(label) < epoch ? previous : current, label))) as T;
}

function map(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((nested) => map(nested, change));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, nested]) => [key, map(nested, change)]));
  return value;
}
