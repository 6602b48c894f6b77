import type { Command } from 'commander';
import { compose } from '../constructs/compose';
import { rotate, type Rotation } from '../embedded/rotate';
import { stackOf } from '../embedded/region';
import { readRegion } from '../embedded/state';
import { UserError } from '../model/errors';
import { nearest } from '../model/problems';
import { labelOf, raised, writeVersions } from '../model/secret-versions';
import { configFile, loadStack, stackNames, type Stack } from '../model/stack';
import { rotationEffects, secretUses, type SecretUse } from '../review/secrets';
import { changesText } from './operations';
import { printedProgress } from './progress';
import { defaultStack, jsonOption, stateOption } from './stack-argument';
import { table } from './table';

interface Flags {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly state?: string;
}

export function addRotate(program: Command): void {
  program
    .command('rotate')
    .description('give secrets new values, which servers and consumers follow; without a name: show the secrets and who has them')
    .argument('[secrets...]', 'names of secrets, then the stack <instance>.<region>; without a stack ssp-cloud.local')
    .option('--all', 'every secret, and a new seed: for a seed that someone else may have')
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExamples:\n  ./datalab rotate ls3.local\n  ./datalab rotate keycloak/database ls3.local\n  ./datalab rotate minio/root ssp-cloud.paris\n  ./datalab rotate --all ls3.local')
    .action(async (words: readonly string[], flags: Flags) => {
      const named = stackNames().includes(words.at(-1) ?? '') ? words.at(-1)! : undefined;
      const loaded = loadStack(named ?? defaultStack);
      const names = named ? words.slice(0, -1) : words;
      const embedded = loaded.instance.regions[loaded.region]!.cluster.access === 'embedded';
      const stack = embedded ? stackOf(loaded, readRegion(loaded.name, flags.state)) : loaded;
      const uses = secretUses(compose(stack));
      requireSecrets(names, uses, stack, flags.all ?? false);
      if (!names.length && !flags.all) return print(uses, listText(uses), flags);
      const rotation: Rotation = flags.all ? 'all' : [...new Set(names)];
      const after: Stack = { ...stack, secrets: rotation === 'all' ? { ...stack.secrets, epoch: stack.secrets.epoch + 1 } : raised(stack.secrets, rotation) };
      const labels = (rotation === 'all' ? uses.map(({ name }) => name) : rotation).map((name) => labelOf(after.secrets, name));
      if (embedded) {
        const started = Date.now();
        const result = await rotate(stack, rotation, { progress: printedProgress(), command: `datalab rotate ${words.join(' ')}`, state: flags.state });
        const seconds = Math.round((Date.now() - started) / 100) / 10;
        return print({ stack: stack.name, labels, changes: result.changes, seconds }, `${changesText('up', stack.name, result, seconds)}\n\nNow in force:\n  ${labels.join('\n  ')}`, flags);
      }
      const effects = rotationEffects(compose(stack), compose(after));
      writeVersions(configFile(stack.name), after.secrets);
      print({ stack: stack.name, labels, effects, next: nextSteps(stack.name, rotation) }, editedText(stack.name, labels, effects, rotation), flags);
    });
}

function requireSecrets(names: readonly string[], uses: readonly SecretUse[], stack: Stack, all: boolean): void {
  const known = uses.map(({ name }) => name);
  const problems = names.filter((name) => !known.includes(name)).map((name) => {
    const near = nearest(name, [...known, ...stackNames()]);
    return { path: 'secret', got: JSON.stringify(name), allowed: known.join(', '), fix: near ? `did you mean ${near}?` : `choose one of them; see ./datalab rotate ${stack.name}` };
  });
  if (problems.length) throw new UserError(`There is no such secret in ${stack.name}:`, problems);
  if (all && names.length) {
    throw new UserError('Either all secrets or some:', [{ path: '--all', got: names.join(', '), allowed: 'no name beside --all', fix: 'leave out the names, or --all' }]);
  }
}

function print(value: object, text: string, { json }: Flags): void {
  process.stdout.write(`${json ? JSON.stringify(value) : text}\n`);
}

function listText(uses: readonly SecretUse[]): string {
  const rows = uses.flatMap(({ label, usedBy, restarts }) => (usedBy.length ? usedBy : ['']).map((user, index) => [index ? '' : label, user, restarts.includes(user) ? 'restarts it' : '']));
  return table(['SECRET', 'USED BY', 'A ROTATION'], rows);
}

function nextSteps(stack: string, rotation: Rotation): string[] {
  const config = (rest: string) => `pulumi config ${rest} --stack ${stack}`;
  if (rotation !== 'all') return [`pulumi up --stack ${stack}`];
  return [
    `${config('get datalab:seed')} | ${config('set --secret datalab:previousSeed')}`,
    `openssl rand -base64 32 | ${config('set --secret datalab:seed')}`,
    `pulumi up --stack ${stack}`,
    config('rm datalab:previousSeed'),
    `pulumi up --stack ${stack}`,
  ];
}

/** What was edited and what comes next, for a region on a real cluster. */
export function editedText(stack: string, labels: readonly string[], effects: readonly string[], rotation: Rotation): string {
  return [
    `stacks/Pulumi.${stack}.yaml now says:`,
    ...labels.map((label) => `  ${label}`),
    '',
    'Nothing is deployed yet. The next deployment',
    ...effects.map((effect) => `  ${effect}`),
    '',
    'Let it be reviewed, then, before the next rotation of this stack:',
    ...nextSteps(stack, rotation).map((step) => `  ${step}`),
  ].join('\n');
}
