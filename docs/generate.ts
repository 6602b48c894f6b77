import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadStack, stackNames } from '../model/stack';
import { rulesTable } from '../review/check-report';
import { topology } from '../review/topology';

const root = dirname(__dirname);

/** The stack whose picture stands in the README. */
const shown = 'ssp-cloud.paris';
const begin = `<!-- begin topology of ${shown}: written by npm run docs -->`;
const end = '<!-- end topology -->';

/** The generated pages, path to text. */
export function generatedPages(): Map<string, string> {
  return new Map([
    ['docs/topology.md', topologyPage()],
    ['docs/rules.md', rulesPage()],
    ['README.md', withPicture(readFileSync(join(root, 'README.md'), 'utf8'))],
  ]);
}

function topologyPage(): string {
  return [
    '# Topology',
    '',
    'Written by `npm run docs` from the code; do not edit. One picture for each stack.',
    '',
    '- A box is a workload in its namespace. A rounded box is something that the cluster has and the platform does not deploy.',
    '- An arrow is a permitted connection: who opens it, the port, what for. Everything else is denied in both directions.',
    '- Left out: DNS (port 53), which every workload that opens connections may ask; systems without pods of their own;',
    '  the namespaces of people and projects, whose policy is on the page [user-namespace](constructs/user-namespace.md).',
    '- The arrows are network policies. The embedded region has them as objects and does not enforce them.',
    ...stackNames().flatMap((name) => ['', `## ${name}`, '', picture(name)]),
    '',
  ].join('\n');
}

function rulesPage(): string {
  return [
    '# Rules',
    '',
    'Written by `npm run docs` from [policies/](../policies/); do not edit. `datalab check` holds every stack to them, in its posture;',
    'where a rule is not mandatory its findings are advice. What has to stay is waived in the instance, with owner, reason and end.',
    '',
    '**Enforced** says where:',
    '',
    '- *render*: `datalab check`, over what is rendered.',
    '- *preview*: the policy pack of `pulumi preview` ([operations](operations.md)): each resource before it is made; *(whole stack)* rules',
    '  look at several, at the end of a preview or deployment.',
    '- *cluster*: the API server, for what people launch later in namespaces of people and projects, where the rule is mandatory. A policy `datalab-<rule>` is made of the',
    '  CEL in the file of the rule; others are said [by hand](user-isolation.md) or by Pod Security. Where nothing stands, charts of the portal',
    '  would be refused, or no one object tells ([ADR 0020](adr/0020-rules-in-three-places.md)).',
    '',
    rulesTable(),
    '',
  ].join('\n');
}

function withPicture(readme: string): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has lost the lines\n${begin}\n${end}`);
  return `${readme.slice(0, from)}${begin}\n\n${picture(shown)}\n\n${readme.slice(to)}`;
}

function picture(stack: string): string {
  return `\`\`\`mermaid\n${topology(loadStack(stack))}\`\`\``;
}

if (require.main === module) {
  for (const [path, text] of generatedPages()) writeFileSync(join(root, path), text);
}
