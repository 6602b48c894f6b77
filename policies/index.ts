import { PolicyPack } from '@pulumi/policy';
import { UserError } from '../model/errors';
import { loadStack } from '../model/stack';
import { policiesOf } from './crossguard';
import { inForce } from './judge';

/** The policy pack: `pulumi preview --policy-pack policies`. The engine says which stack it is for. */
try {
  const stack = process.env.PULUMI_STACK ?? '';
  const { posture, waivers } = loadStack(stack).instance;
  new PolicyPack('datalab', { policies: policiesOf({ stack, posture, waivers: inForce(waivers, new Date().toISOString().slice(0, 10)) }) });
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
