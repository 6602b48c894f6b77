export { packageOf, provisionedGroup } from '../model/objects';

const outputPattern = /\$\{output:([^#}]+)#([A-Za-z]+)\}/g;

/** Ids of the resources whose outputs a value holds as tokens. */
export function outputsIn(value: unknown): string[] {
  return [...JSON.stringify(value ?? null).matchAll(outputPattern)].map((match) => match[1]!);
}

/** Splits a text into literal parts and output references. */
export function outputReferences(text: string): readonly (string | { readonly id: string; readonly property: string })[] {
  const parts: (string | { id: string; property: string })[] = [];
  let end = 0;
  for (const match of text.matchAll(outputPattern)) {
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ id: match[1]!, property: match[2]! });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}
