import { z } from 'zod';

/** What a field allows and how to mend it, carried by a zod issue to `model/problems.ts`. */
export interface Advice {
  readonly allowed: string;
  readonly fix: string;
}

/** Text that must match a pattern. */
export function text(pattern: RegExp, allowed: string, fix: string) {
  return z.string().superRefine((value, context) => {
    if (!pattern.test(value)) refuse(context, [], { allowed, fix });
  });
}

/** Adds one problem at `path`, relative to the value under test. */
export function refuse(context: z.RefinementCtx, path: PropertyKey[], advice: Advice): void {
  context.addIssue({ code: 'custom', path, message: advice.allowed, params: { ...advice } });
}

/** A name that can be a Kubernetes namespace, label value or DNS label: RFC 1123, at most 40 characters. */
export const name = text(
  /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
  'lower-case letters, digits and inner hyphens, at most 40 characters (RFC 1123 label)',
  'rename it, for example `my-datalab`',
);

export const sentence = text(/^\S(.*\S)?$/s, 'text that is not empty', 'write a few words');

export const colour = text(/^#[0-9a-f]{6}$/, 'a colour as `#rrggbb`, lower case', 'write six hexadecimal digits, for example `#000091`');

const host = '[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+';

export const domain = text(
  new RegExp(`^${host}$`),
  'a domain name of at least two labels, lower case, without `*`, scheme or port',
  'write for example `lab.example.org`',
);

export const httpsUrl = text(
  new RegExp(`^https://${host}(:[0-9]{1,5})?(/[^@\\s]*)?$`),
  'an https URL without user name or password',
  'write for example `https://pypi.example.org/simple`; credentials belong in Vault',
);

/** A forward proxy may speak plain HTTP: the tunnel inside is TLS. */
export const proxyUrl = text(
  new RegExp(`^https?://${host}(:[0-9]{1,5})?/?$`),
  'a proxy as `http://host:port`, without user name or password',
  'write for example `http://proxy.example.org:3128`; a proxy that wants a password is not supported',
);

export const registry = text(
  new RegExp(`^${host}(:[0-9]{1,5})?(/[a-z0-9._/-]+)?$`),
  'a registry host with an optional path, without scheme',
  'write for example `registry.example.org/datalab`',
);

export const cidr = text(
  /^((25[0-5]|2[0-4]\d|1?\d?\d)(\.|(?=\/))){4}\/(3[0-2]|[12]?\d)$|^[0-9a-f:]*:[0-9a-f:]*\/(12[0-8]|1[01]\d|\d?\d)$/,
  'an address block in CIDR notation',
  'write for example `10.0.0.0/16`, or `10.1.2.3/32` for one address',
);

export const digest = text(/^sha256:[0-9a-f]{64}$/, 'a digest as `sha256:` and 64 hexadecimal digits', 'copy it from the registry');

const quantityPattern = /^(0|[1-9]\d*)(\.\d+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/;

/** A Kubernetes quantity: cores for CPU, bytes for memory and storage. */
export const quantity = text(
  quantityPattern,
  'a Kubernetes quantity',
  'write for example `500m` or `4` for CPU, `16Gi` or `500G` for memory and storage',
);

const factors: Record<string, number> = {
  m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50,
};

/** The amount of a quantity: cores for CPU, bytes for memory and storage; NaN when it is none. */
export function amount(value: string): number {
  if (!quantityPattern.test(value)) return NaN;
  const suffix = /[a-zA-Z]+$/.exec(value)?.[0] ?? '';
  return Number(value.slice(0, value.length - suffix.length)) * (factors[suffix] ?? 1);
}

/** Bytes as a quantity that people read: `512G`. */
export function bytesText(bytes: number): string {
  const unit = (['P', 'T', 'G', 'M', 'k'] as const).find((suffix) => bytes >= 2 * factors[suffix]!);
  return unit ? `${Math.floor((bytes / factors[unit]!) * 10) / 10}${unit}` : String(bytes);
}

/** Keys and values as Kubernetes labels allow them. */
export const labels = z.record(
  text(
    /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'a Kubernetes label key',
    'write for example `pool` or `example.org/pool`',
  ),
  text(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'a Kubernetes label value, at most 63 characters', 'use letters, digits, `-`, `_` and `.`'),
);

export const count = z.int().min(1).max(10_000);
