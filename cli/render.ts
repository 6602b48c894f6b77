import type { Command } from 'commander';
import { loadStack } from '../model/stack';
import { renderTo } from '../review/render';
import { jsonOption, stackArgument } from './stack-argument';

export function addRender(program: Command): void {
  stackArgument(program.command('render').description('write the objects of a stack as files; no cluster, no secret'))
    .requiredOption('--out <dir>', 'new or empty directory, or one of an earlier render, which is replaced')
    .addOption(jsonOption)
    .addHelpText('after', '\nExamples:\n  ./datalab render ssp-cloud.paris --out out/paris\n  ./datalab render ls3.insee --out out/insee --json')
    .action((name: string, flags: { out: string; json?: boolean }) => {
      const files = renderTo(loadStack(name), flags.out);
      process.stdout.write(flags.json ? `${JSON.stringify({ stack: name, out: flags.out, files })}\n` : `${name}: ${files} files in ${flags.out}\n`);
    });
}
