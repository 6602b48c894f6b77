/** Each folder may import only from those below it in this list; the reasons are in docs/adr/0001-layers.md. */
const allowed = {
  model: [],
  catalogs: ['model'],
  policies: ['model'],
  constructs: ['policies', 'catalogs', 'model'],
  provision: ['constructs', 'catalogs', 'model'],
  review: ['policies', 'constructs', 'catalogs', 'model'],
  embedded: ['provision', 'constructs', 'catalogs', 'model'],
  cli: ['embedded', 'provision', 'review', 'policies', 'constructs', 'catalogs', 'model'],
  stacks: ['model'],
};
const folders = Object.keys(allowed);

/** The adapter of the rules to Pulumi's CrossGuard. */
const policyPack = '^policies/(index|crossguard)\\.ts$';

module.exports = {
  forbidden: [
    ...folders.map((folder) => ({
      name: `${folder}-imports`,
      severity: 'error',
      from: { path: `^${folder}/` },
      to: { path: `^(${[...folders, 'test', 'bench'].filter((other) => other !== folder && !allowed[folder].includes(other)).join('|')})/` },
    })),
    {
      name: 'pulumi-in-provision-only',
      comment: 'What reviewers read must not need Pulumi.',
      severity: 'error',
      from: { path: '^(model|catalogs|constructs|policies|review|stacks|cli)/', pathNot: policyPack },
      to: { path: 'node_modules/@pulumi/' },
    },
    {
      name: 'policy-pack-is-pulumis',
      comment: 'Its modules are for the engine: the rest of the project would load Pulumi with them.',
      severity: 'error',
      from: { pathNot: [policyPack, '^test/'] },
      to: { path: policyPack },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' }, exclude: { path: '^(\\.datalab|out)/' } },
};
