import { z } from 'zod';
import { name, sentence, text } from './fields';

/** A rule that does not hold somewhere, for a while, because somebody says so. */
export const waiver = z.strictObject({
  /** Ids of rules: `datalab check --rules` lists them. */
  rules: z.array(name).min(1),
  /** Which objects, as `<namespace or _cluster>/<kind>/<name>` in lower case; `*` stands for any characters. */
  objects: text(/^[a-z0-9*_.-]+\/[a-z0-9*]+\/[a-z0-9*:._-]+$/, 'objects as `<namespace or _cluster>/<kind>/<name>`, lower case', 'write for example `gpu/daemonset/*`'),
  /** Why a security officer would accept it. */
  reason: sentence,
  /** Who answers for it. */
  owner: sentence,
  /** The last day that it holds: `2027-06-30`. */
  until: text(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'a day as YYYY-MM-DD', 'write for example `2027-06-30`'),
});

export type Waiver = z.output<typeof waiver>;
