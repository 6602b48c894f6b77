import { z } from 'zod';
import { sentence, text } from './fields';

/** One widening that somebody has looked at. It approves what comes with it, once; when it has landed it is spent and goes. */
export const approval = z.strictObject({
  /** Of the change: `datalab diff` prints it. */
  id: text(/^[0-9a-f]{12}$/, 'the id of a change: 12 hexadecimal digits', 'copy it from `datalab diff`'),
  /** Why it may be. */
  reason: sentence,
  /** Who answers for it. */
  owner: sentence,
});

export type Approval = z.output<typeof approval>;
