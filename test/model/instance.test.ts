import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes, UserError } from '../../model/errors';
import { defineInstance, type InstanceDefinition } from '../../model/instance';
import { open, problemsOf, type Broken, type BrokenDefinitions } from './base';

const folder = join(__dirname, 'fixtures');
const fixtures = (ending: string) => readdirSync(folder).filter((file) => file.endsWith(ending)).sort();
// eslint-disable-next-line @typescript-eslint/no-require-imports -- the files are found by their names
const load = <T>(file: string): T => require(join(folder, file)).default;

/** Stands where a careless person would write a password. */
const planted = 'hunter2-planted';

function broken({ breaks, of = open }: Broken): InstanceDefinition {
  const definition = structuredClone(of());
  const replaced = breaks(definition, definition.regions.main);
  return (typeof replaced === 'function' ? replaced() : definition) as InstanceDefinition;
}

function refusal(definition: InstanceDefinition): UserError {
  try {
    defineInstance(definition);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('the definition was accepted');
}

describe.each(fixtures('.ok.ts'))('%s', (file) => {
  const definitions = load<Record<string, InstanceDefinition>>(file);
  test.each(Object.keys(definitions))('%s', (name) => {
    expect(defineInstance(definitions[name]!)).toMatchObject(definitions[name]!);
  });
});

describe.each(fixtures('.error.ts'))('%s', (file) => {
  const cases = load<BrokenDefinitions>(file);
  test.each(Object.keys(cases))('fails: %s', (name) => {
    const error = refusal(broken(cases[name]!));
    expect(error.problems).toEqual(problemsOf(cases[name]!));
    expect(error.exitCode).toBe(exitCodes.wrongInput);
    for (const { path, got, allowed, fix } of error.problems) {
      expect(error.message).toContain(`\n  ${path}\n    got      ${got}\n    allowed  ${allowed}\n    fix      ${fix}`);
    }
    expect(error.message).not.toMatch(/^\s+at |\.ts:\d+|node_modules/m);
    expect(error.message).not.toContain(planted);
  });
});

test('there are at least 40 broken definitions', () => {
  const cases = fixtures('.error.ts').flatMap((file) => Object.values(load<BrokenDefinitions>(file)));
  expect(cases.length).toBeGreaterThanOrEqual(40);
});
