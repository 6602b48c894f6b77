import * as pulumi from '@pulumi/pulumi';
import { compose } from './constructs/compose';
import { UserError } from './model/errors';
import { loadStack } from './model/stack';
import { deploy } from './provision/deploy';

/** The Pulumi program: the stack's name says which instance and region. */
try {
  deploy(compose(loadStack(pulumi.getStack())));
} catch (error) {
  if (error instanceof UserError) throw new pulumi.RunError(error.message);
  throw error;
}
