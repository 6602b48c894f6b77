import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { regionAddress } from '../../embedded/address';
import { openRegion } from '../../embedded/state';
import { temporaryDirectory } from './temporary';

const directory = temporaryDirectory();
const cache = process.env.DATALAB_CACHE;
beforeAll(() => { process.env.DATALAB_CACHE = join(directory, 'cache'); });
afterAll(() => {
  if (cache === undefined) delete process.env.DATALAB_CACHE;
  else process.env.DATALAB_CACHE = cache;
});

const open = (checkout: string, stack = 'ssp-cloud.local') => openRegion(stack, join(directory, checkout));

test('a region keeps its address', async () => {
  const first = await regionAddress(open('one'));
  expect(first).toMatch(/^127\.42\.\d+\.1$/);
  expect(await regionAddress(open('one'))).toBe(first);
  expect(readFileSync(open('one').file('address'), 'utf8')).toBe(`${first}\n`);
});

test('other regions get other addresses while it is stopped: of the same checkout, of another, at the same time', async () => {
  const regions = [open('one'), open('one', 'ls3.local'), open('two'), open('three'), open('three', 'ls3.local')];
  const addresses = await Promise.all(regions.map(regionAddress));
  expect(new Set(addresses).size).toBe(regions.length);
});

test('a moved region keeps its address, and a deleted one gives it back', async () => {
  const address = await regionAddress(open('two'));
  renameSync(join(directory, 'two'), join(directory, 'four'));
  expect(await regionAddress(open('four'))).toBe(address);
  expect(await regionAddress(open('five'))).not.toBe(address);
  for (const checkout of ['one', 'three', 'four', 'five']) rmSync(join(directory, checkout), { recursive: true });
  const next = await Promise.all(['six', 'seven', 'eight'].map((checkout) => regionAddress(open(checkout))));
  expect(next).toContain(address);
});
