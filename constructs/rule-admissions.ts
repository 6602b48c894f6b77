import { Construct } from 'constructs';
import { rules } from '../policies/all';
import { pods } from '../policies/cel';
import { Admission, changesSpec } from './admission';
import type { Platform } from './platform';

/** The rules of policies/ that CEL can say, where they are mandatory: a policy of the API server for each, in namespaces of people. */
export class RuleAdmissions extends Construct {
  constructor(scope: Construct, id: string, { instance }: Platform) {
    super(scope, id);
    for (const { id: rule, mandatory, admission } of rules) {
      if (!admission || 'by' in admission || !mandatory.includes(instance.posture)) continue;
      new Admission(this, rule, {
        requests: { operations: ['CREATE', 'UPDATE'], resources: admission.resources },
        validations: admission.validations,
        ...(admission.resources === pods ? { conditions: changesSpec } : {}),
      });
    }
  }
}
