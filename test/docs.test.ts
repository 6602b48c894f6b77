import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { addCheck } from '../cli/check';
import { addDiff } from '../cli/diff';
import { addDoctor } from '../cli/doctor';
import { addDown } from '../cli/down';
import { addLogin } from '../cli/login';
import { addLogs } from '../cli/logs';
import { addOperations } from '../cli/operations';
import { addRender } from '../cli/render';
import { addRotate } from '../cli/rotate';
import { addStatus } from '../cli/status';
import { addVerify } from '../cli/verify';
import { addUnseal } from '../cli/unseal';
import { compose } from '../constructs/compose';
import { secretsIn } from '../constructs/secrets';
import { System } from '../constructs/system';
import { generatedPages } from '../docs/generate';
import { reportPage, reportPath } from '../docs/report';
import { loadStack, stackNames } from '../model/stack';
import { renderFiles } from '../review/render';
import { topology } from '../review/topology';

const root = dirname(__dirname);
const skipped = new Set(['node_modules', '.git', '.datalab', 'out']);

function markdown(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : markdown(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const pages = markdown().map((path) => ({ path, name: relative(root, path), text: readFileSync(path, 'utf8') }));
const page = (name: string) => readFileSync(join(root, name), 'utf8');

/** What stands in code: lines of blocks and spans. */
function code(text: string): string[] {
  const fences = [...text.matchAll(/^ *```([a-z]*)\n([\s\S]*?)^ *```$/gm)].filter(([, language]) => language !== 'mermaid');
  const blocks = fences.flatMap(([, , block]) => block!.split('\n').map((line) => line.replace(/(^|\s)#.*$/, '').trim()));
  const prose = text.replace(/^ *```[\s\S]*?^ *```$/gm, '');
  return [...blocks, ...[...prose.matchAll(/`([^`\n]+)`/g)].map((span) => span[1]!)];
}

describe('the topology picture', () => {
  test.each([...generatedPages()])('%s is current; otherwise: npm run docs', (path, text) => {
    expect(page(path)).toBe(text);
  });

  test.each(stackNames())('%s: each end of an arrow is drawn once, labels are quoted, and two runs are equal', (name) => {
    const text = topology(loadStack(name));
    expect(topology(loadStack(name))).toBe(text);
    const lines = text.trimEnd().split('\n');
    const boxes = lines.flatMap((line) => /^ +(\w+)(?:\[|\(\[)"[^"]+"\]?\)?\]?$/.exec(line)?.[1] ?? []);
    const arrows = lines.flatMap((line) => {
      const found = /^ {2}(\w+) -->\|"[^"]+"\| (\w+)$/.exec(line);
      return found ? [[found[1]!, found[2]!]] : [];
    });
    const others = lines.filter((line) => /^flowchart LR$|^ {2}subgraph ns__\w+ \["[^"]+"\]$|^ {2}end$/.test(line));
    expect(boxes.length + arrows.length + others.length).toBe(lines.length);
    expect(new Set(boxes).size).toBe(boxes.length);
    expect(boxes).toEqual(expect.arrayContaining(arrows.flat()));
  });

  test('an arrow for each pair of peers in the graph, with each port', () => {
    const { edges } = compose(loadStack('ssp-cloud.paris')).network;
    const text = topology(loadStack('ssp-cloud.paris'));
    const pairs = new Set(edges.map(({ from, to }) => `${from.peerName} ${to.peerName}`));
    expect(text.match(/-->/g)).toHaveLength(pairs.size);
    for (const { port, why } of edges) expect(text).toMatch(new RegExp(`\\b${port}\\b[^\\n]*${why}`));
  });
});

test('the report of a change is what the diff says now; otherwise: npm run docs', async () => {
  expect(await reportPage()).toBe(page(reportPath));
});

describe('links', () => {
  const links = pages.flatMap(({ path, name, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ name, path, link: match[1]! })).filter(({ link }) => !/^[a-z]+:/.test(link)),
  );

  test.each(links)('$name → $link', ({ path, link }) => {
    const [file, anchor] = link.split('#') as [string, string?];
    const target = file ? resolve(dirname(path), file) : path;
    expect(existsSync(target)).toBe(true);
    if (anchor === undefined) return;
    const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.+)$/gm)].map((match) =>
      match[1]!.toLowerCase().replace(/[^\w\s-]/g, '').trim().replace(/\s/g, '-'),
    );
    expect(headings).toContain(anchor);
  });
});

describe('commands', () => {
  const program = new Command('datalab').version('0');
  for (const add of [addOperations, addDown, addLogin, addStatus, addVerify, addLogs, addRender, addRotate, addDoctor, addUnseal, addCheck, addDiff]) add(program);
  const commands = new Map(program.commands.map((command) => [command.name(), command]));
  const flagsOf = (command: Command) => new Set(['--help', ...command.options.flatMap(({ long }) => long ?? [])]);
  const lines = pages.filter(({ name }) => name !== 'CHANGELOG.md').flatMap(({ name, text }) => code(text).map((line) => ({ name, line })));

  const calls = lines.flatMap(({ name, line }) =>
    [...line.matchAll(/(?:^|[;&|(]\s*)(?:\.\/)?datalab +([^;&|)]+)/g)].map((match) => ({ name, call: match[1]!.trim() })),
  );

  /** Those that the pages announce for later. */
  const announced = new Set(['purge']);

  test.each(calls)('$name: datalab $call', ({ call }) => {
    const [verb, ...words] = call.split(/\s+/) as [string, ...string[]];
    if (announced.has(verb) || verb === '--help') return;
    expect([...commands.keys()]).toContain(verb.replace(/,$/, ''));
    const flags = words.flatMap((word) => (word.startsWith('--') ? word.replace(/[=,.].*$/, '') : []));
    expect([...flagsOf(commands.get(verb)!)]).toEqual(expect.arrayContaining(flags));
    const stack = words.find((word) => /^[a-z0-9-]+\.[a-z]+$/.test(word) && !word.startsWith('my-lab.'));
    if (stack) expect(stackNames()).toContain(stack);
  });

  test('the README or the page for operators tells of each command', () => {
    const told = page('README.md') + page('docs/operations.md');
    for (const name of commands.keys()) expect(told).toContain(`datalab ${name}`);
  });

  test.each(lines.filter(({ line }) => /^npm (run|start|test)/.test(line)))('$name: $line', ({ line }) => {
    const [, word, script] = /^npm (\w+)(?: +([\w:-]+))?/.exec(line)!;
    const { scripts } = JSON.parse(page('package.json')) as { scripts: Record<string, string> };
    expect(Object.keys(scripts)).toContain(word === 'run' ? script : word);
  });
});

describe('pages that list things', () => {
  test('docs/credentials.md has a row for each derived secret', () => {
    const secrets = new Set(stackNames().flatMap((name) => [...renderFiles(loadStack(name)).values()].flatMap(secretsIn)));
    const rows = [...page('docs/credentials.md').matchAll(/^\| `([^`]+@v\d+)`/gm)].map((match) => match[1]);
    expect(rows.sort()).toEqual([...secrets].sort());
  });

  test('docs/constructs/ has a page for each system', () => {
    const systems = stackNames().flatMap((name) => compose(loadStack(name)).node.children.filter((child) => child instanceof System));
    for (const system of systems) expect(existsSync(join(root, `docs/constructs/${system.node.id}.md`))).toBe(true);
  });

  test('docs/adr/README.md lists each decision', () => {
    const decisions = readdirSync(join(root, 'docs/adr')).filter((file) => /^\d{4}-/.test(file));
    for (const file of decisions) expect(page('docs/adr/README.md')).toContain(`(${file})`);
  });
});
