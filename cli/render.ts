import type { Command } from 'commander';
import { loadStack } from '../model/stack';
import { renderAllTo, renderTo } from '../review/render';
import { jsonOption, stackArgument } from './stack-argument';

export function addRender(program: Command): void {
  stackArgument(program.command('render').description('write the objects of a stack as files; no cluster, no secret'))
    .requiredOption('--out <dir>', 'new or empty directory, or one of an earlier render, which is replaced; with --all a file')
    .option('--all', 'all stacks into one JSON file, as `datalab diff --from` and `--to` read it')
    .addOption(jsonOption)
    .addHelpText('after', '\nExamples:\n  ./datalab render ssp-cloud.paris --out out/paris\n  ./datalab render ls3.insee --out out/insee --json\n  ./datalab render --all --out out/all.json')
    .action((name: string, flags: { out: string; all?: boolean; json?: boolean }) => {
      if (flags.all) {
        const stacks = renderAllTo(flags.out);
        return void process.stdout.write(flags.json ? `${JSON.stringify({ stacks, out: flags.out })}\n` : `${stacks.join(', ')}: in ${flags.out}\n`);
      }
      const files = renderTo(loadStack(name), flags.out);
      process.stdout.write(flags.json ? `${JSON.stringify({ stack: name, out: flags.out, files })}\n` : `${name}: ${files} files in ${flags.out}\n`);
    });
}
