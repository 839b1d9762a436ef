/** `stint compare`: two or more runs, or the profiles within one, side by side. */
import type { CompareWords } from './compare-runs.ts'
import { exportOption } from './export.ts'
import type { Command } from './words.ts'

export const compareCommand: Command<CompareWords> = {
  builder: (yargs) =>
    yargs
      .positional('runs', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'run folders; the first is the reference',
      })
      .options({
        metric: {
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: 'instead of the metrics of the sweep',
        },
        ...exportOption,
        out: {
          type: 'string',
          describe: 'folder that receives compare.md and significance_tests.csv, or what --export names',
        },
        json: { type: 'boolean', default: false, describe: 'one JSON object on stdout' },
      }),
  // Statistics and tables take longer to load than most commands take in all.
  handler: async (words) => (await import('./compare-runs.ts')).compare(words),
}
