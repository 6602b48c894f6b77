import { loadStack, stackNames } from '../../model/stack';
import { registrationsOf } from './registrations';

/**
 * Names, types and parents in Pulumi are a contract: under another one, the same object is deleted and made anew.
 *
 * When this snapshot differs:
 * - an object was added or is no longer wanted: `npx jest test/provision/names -u`, and say so in CHANGELOG.md;
 * - an object was renamed, or moved to another system, and is to live on: give it an alias with its old name, and then
 *   update the snapshot. For a protected one (marked with `!`) there is no other way: its data would stay behind.
 */
test.each(stackNames())('the names in Pulumi of %s', async (name) => {
  const registrations = await registrationsOf(loadStack(name), 'seed-of-this-test');
  const lines = registrations.map(({ urn, protect }) => `${protect ? '!' : ' '} ${urn.split('::').slice(2).join(' ')}`);
  expect(lines.sort().join('\n')).toMatchSnapshot();
});
