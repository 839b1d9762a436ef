/** `stint report`: renders tables and plots again, from the run folder only. */
import type { Command } from './command.ts'
import { exportOption, jsonOption, runExports } from './output.ts'
import { showRun } from './run.ts'

interface ReportWords {
  run: string
  json: boolean
  quiet: boolean
  export: string[]
}

export const reportCommand: Command<ReportWords> = {
  builder: (yargs) =>
    yargs
      .positional('run', {
        type: 'string',
        demandOption: true,
        describe: 'run folder, such as results/my-sweep/latest',
      })
      .options({
        ...exportOption,
        ...jsonOption,
        quiet: { type: 'boolean', default: false, describe: 'no summary' },
      }),
  handler: async (words) => {
    await showRun(words.run, { ...words, exports: await runExports(words) })
  },
}
