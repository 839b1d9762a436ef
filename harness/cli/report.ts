/** `stint report`: renders tables and plots again, from the run folder alone. */
import { exportOption, runExports } from './export.ts'
import type { Command } from './words.ts'

interface ReportWords {
  run: string
  json: boolean
  quiet: boolean
  export: string[]
}

export const reportCommand: Command<ReportWords> = {
  builder: (yargs) =>
    yargs.positional('run', { type: 'string', demandOption: true, describe: 'run folder' }).options({
      ...exportOption,
      json: { type: 'boolean', default: false, describe: 'one JSON object on stdout' },
      quiet: { type: 'boolean', default: false, describe: 'no summary' },
    }),
  handler: async (words) => {
    const exports = runExports(words)
    const { printRun, renderRun } = await import('./render-run.ts')
    printRun(await renderRun(words.run, exports), words)
  },
}
