/** `stint compare`: two or more runs, or the profiles within one, side by side. */
import { checkWritable, compare, type Export, type Format } from '../index.ts'
import type { Command } from './command.ts'
import { tell } from './console.ts'
import { type ForcedWords, forcedOption, type MetricWords, metricOption, metricsOf } from './options.ts'
import {
  answerPlots,
  answerWith,
  type ExportWords,
  exportOption,
  jsonOption,
  type PlotWords,
  parseExports,
  plotsOption,
} from './output.ts'

const OUT_DEFAULTS: readonly Format[] = ['markdown', 'csv']

interface CompareWords extends ExportWords, PlotWords, MetricWords, ForcedWords {
  runs: string[]
  out: string | undefined
}

export const compareCommand: Command<CompareWords> = {
  builder: (yargs) =>
    yargs
      .positional('runs', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'run folders; the first is the reference. One folder: the profiles within it',
      })
      .options({
        ...metricOption("metric to compare, instead of the sweep's"),
        ...exportOption,
        ...plotsOption('compare'),
        ...forcedOption,
        out: {
          type: 'string',
          describe: 'folder that receives compare.md and significance_tests.csv, or what --export names',
        },
        ...jsonOption,
      }),
  handler: compareRuns,
}

async function compareRuns(words: CompareWords): Promise<void> {
  const { runs, out, json, overwrite, 'include-forced': includeForced } = words
  const metrics = metricsOf(words)
  const exports = await compareExports(words)
  const plots = await answerPlots(words, 'compare', exports)
  const { report } = await compare(runs, { plots, includeForced, ...(metrics.length > 0 && { metrics }) })
  const { problems } = await answerWith(report, { json, exports, overwrite, folder: out ?? '.' })
  if (problems.length === 0 && out !== undefined) tell(`written to ${out}`)
}

/** With `--out` only, a page and the table. */
async function compareExports(words: CompareWords): Promise<Export[]> {
  const exports = await parseExports(words)
  if (words.out === undefined) return exports
  await checkWritable(words.out)
  return exports.length > 0 ? exports : OUT_DEFAULTS.map((format) => ({ format, to: null }))
}
