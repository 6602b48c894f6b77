/**
 * Who may do what with the servers of a datalab, written by hand from what people would expect; nothing is computed from
 * the grants. docs/access-matrix.md says what each column asks.
 * `rw`: read and write. `r`: read. `no`: neither. `yes`: that very thing.
 */
export interface Expected {
  readonly columns: readonly string[];
  /** What each who observes, in the order of the columns. */
  readonly rows: Readonly<Record<string, readonly string[]>>;
}

export const servers = ['S3', 'Kubernetes', 'Vault'] as const;
export type Server = (typeof servers)[number];

export const expected: Readonly<Record<Server, Expected>> = {
  S3: {
    columns:                     ['own', 'another', 'project', 'platform', 'list', 'policy', 'key', '>12 h'],
    rows: {
      'a person':                 ['rw',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      'another person':           ['rw',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      'a member of the project':  ['rw',  'no',      'rw',      'no',       'no',   'no',     'no',  'no'],
      'an administrator':         ['rw',  'no',      'no',      'no',       'yes',  'no',     'no',  'no'],
      'anonymous':                ['no',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      'an expired token':         ['no',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      'a token of another realm': ['no',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      'another audience':         ['no',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      'a forged signature':       ['no',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      'a platform workload':      ['rw',  'no',      'no',      'rw',       'no',   'no',     'no',  'no'],
      'another workload':         ['no',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      "a person's pod, own token": ['no', 'no',      'no',      'no',       'no',   'no',     'no',  'no'],
      "a person's pod, injected": ['rw',  'no',      'no',      'no',       'no',   'no',     'no',  'no'],
    },
  },
  Kubernetes: {
    columns:                     ['own', 'another', 'project', 'platform', 'cluster'],
    rows: {
      'a person':                 ['rw',  'no',      'no',      'no',       'no'],
      'another person':           ['rw',  'no',      'no',      'no',       'no'],
      'a member of the project':  ['rw',  'no',      'rw',      'no',       'no'],
      'an administrator':         ['rw',  'no',      'no',      'no',       'no'],
      'anonymous':                ['no',  'no',      'no',      'no',       'no'],
      'an expired token':         ['no',  'no',      'no',      'no',       'no'],
      'a token of another realm': ['no',  'no',      'no',      'no',       'no'],
      'another audience':         ['no',  'no',      'no',      'no',       'no'],
      'a forged signature':       ['no',  'no',      'no',      'no',       'no'],
      'a platform workload':      ['no',  'no',      'no',      'no',       'no'],
      'another workload':         ['no',  'no',      'no',      'no',       'no'],
      "a person's pod, own token": ['no', 'no',      'no',      'no',       'no'],
      "a person's pod, injected": ['rw',  'no',      'no',      'no',       'no'],
    },
  },
  Vault: {
    columns:                     ['own', 'another', 'project', 'sys'],
    rows: {
      'a person':                 ['rw',  'no',      'no',      'no'],
      'another person':           ['rw',  'no',      'no',      'no'],
      'a member of the project':  ['rw',  'no',      'rw',      'no'],
      'an administrator':         ['rw',  'no',      'no',      'no'],
      'anonymous':                ['no',  'no',      'no',      'no'],
      'an expired token':         ['no',  'no',      'no',      'no'],
      'a token of another realm': ['no',  'no',      'no',      'no'],
      'another audience':         ['no',  'no',      'no',      'no'],
      'a forged signature':       ['no',  'no',      'no',      'no'],
      'a platform workload':      ['no',  'no',      'no',      'no'],
      'another workload':         ['no',  'no',      'no',      'no'],
      "a person's pod, own token": ['no', 'no',      'no',      'no'],
      "a person's pod, injected": ['rw',  'no',      'no',      'no'],
    },
  },
};
