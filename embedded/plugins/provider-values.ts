import { isDeepStrictEqual } from 'node:util';
import { Struct } from 'google-protobuf/google/protobuf/struct_pb';

/** The properties of a resource as plain JSON. An unknown value is the string `UNKNOWN`. */
export type Values = Record<string, any>;

/** The way to a value: `['spec', 'containers', 0, 'image']`. */
export type Path = readonly (string | number)[];

/** Plain values, and beside them the paths of those that are secret (with all that is below). */
export interface Properties {
  readonly values: Values;
  readonly secrets: readonly Path[];
}

/** What the engine sends for a value that is not known during a preview. */
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

const signature = '4dabf18193072939515e22adb298388d';
const secretSignature = '1b47061264138c4ac30d75fd1eb44270';

export function decode(struct: Struct | undefined): Properties {
  const secrets: Path[] = [];
  const plain = (value: any, path: Path, inSecret: boolean): any => {
    if (Array.isArray(value)) return value.map((item, index) => plain(item, [...path, index], inSecret));
    if (!isObject(value)) return value;
    if (value[signature] === secretSignature) {
      if (!inSecret) secrets.push(path);
      return plain(value.value, path, true);
    }
    if (value[signature] !== undefined) {
      throw new Error(`${pathText(path)} is a Pulumi asset or reference; only plain values are accepted here`);
    }
    return mapValues(value, (item, key) => plain(item, [...path, key], inSecret));
  };
  return { values: plain(struct?.toJavaScript() ?? {}, [], false), secrets };
}

export function encode(properties: Properties): Struct {
  const isSecret = new Set(properties.secrets.map(pathText));
  const wrapped = (value: any, path: Path): any => {
    const inner = Array.isArray(value)
      ? value.map((item, index) => wrapped(item, [...path, index]))
      : isObject(value)
        ? mapValues(value, (item, key) => wrapped(item, [...path, key]))
        : value;
    return isSecret.has(pathText(path)) ? { [signature]: secretSignature, value: inner } : inner;
  };
  // Without secrets there is nothing to wrap, and most objects have none.
  return Struct.fromJavaScript(isSecret.size === 0 ? properties.values : wrapped(properties.values, []));
}

export function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function mapValues(object: Values, change: (value: any, key: string) => any): Values {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

export function valueAt(value: any, path: Path): any {
  return path.reduce((inner, step) => inner?.[step], value);
}

export function hasUnknown(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasUnknown);
  if (isObject(value)) return Object.values(value).some(hasUnknown);
  return value === UNKNOWN;
}

/** Equal whatever the order of keys; a null counts as not given. */
export function sameValue(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(withoutNulls(a), withoutNulls(b));
}

export function withoutNulls(value: any): any {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value ?? undefined;
  const given = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(given.map(([key, item]) => [key, withoutNulls(item)]));
}

/** The path as Pulumi writes it: `metadata.labels["app.kubernetes.io/name"]`, `spec.containers[0]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[A-Za-z_$][\w$]*$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text ? `${text}.${step}` : step;
  }, '');
}

/** Every string inside the secret values. */
export function secretStrings({ values, secrets }: Properties): string[] {
  const strings = (value: unknown): string[] => {
    if (typeof value === 'string') return value === UNKNOWN ? [] : [value];
    if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(strings);
    return [];
  };
  return secrets.flatMap((path) => strings(valueAt(values, path)));
}

/** The text without the secrets, whether they stand there as they are, escaped, in base64, or taken out of base64. */
export function redact(text: string, secrets: readonly string[]): string {
  const forms = new Set(secrets.flatMap(spellings).filter((form) => form !== ''));
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return longestFirst.reduce(
    (clean, form) => (form.length < 4 ? clean.replaceAll(`"${form}"`, '"[secret]"') : clean.replaceAll(form, '[secret]')),
    text,
  );
}

function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret, 'base64');
  const decoded = bytes.toString('base64') === secret ? [bytes.toString('utf8')] : [];
  return [secret, ...decoded].flatMap((form) => [
    form,
    form.trim(),
    JSON.stringify(form).slice(1, -1),
    Buffer.from(form).toString('base64'),
  ]);
}
