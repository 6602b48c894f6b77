import { Module } from 'node:module';

/**
 * Pulumi's Automation API without what it loads to serialise functions, which no program of ours does: TypeScript and the
 * modules of npm, 0.3 s and 50 MB of each command.
 */
export async function loadAutomation(): Promise<typeof import('@pulumi/pulumi/automation')> {
  for (const part of ['serializeClosure', 'codePaths']) {
    const path = require.resolve(`@pulumi/pulumi/runtime/closure/${part}.js`);
    require.cache[path] ??= Object.assign(new Module(path), { exports: {}, loaded: true });
  }
  return import('@pulumi/pulumi/automation');
}
