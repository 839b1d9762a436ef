/** `stint compare`: two or more runs, or the profiles within one, side by side. */
import { existsSync } from 'node:fs'
import { checkWritable, compare, type Export, type Format } from '../index.ts'
import { type Command, parseNames } from './command.ts'
import { tell } from './console.ts'
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
interface CompareWords extends ExportWords, PlotWords {
  runs: string[]
  metric: string[]
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
        metric: {
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: "metric to compare, instead of the sweep's; several one after the other, or repeated",
        },
        ...exportOption,
        ...plotsOption('compare'),
        out: {
          type: 'string',
          describe: 'folder that receives compare.md and significance_tests.csv, or what --export names',
        },
        ...jsonOption,
      }),
  handler: compareRuns,
}

async function compareRuns(words: CompareWords): Promise<void> {
  const { out, json } = words
  const { runs, metrics } = partWords(words)
  const exports = await compareExports(words)
  const plots = answerPlots(words, 'compare', exports)
  const { report } = await compare(runs, { plots, ...(metrics.length > 0 && { metrics }) })
  const { problems } = await answerWith(report, { json, exports, folder: out ?? '.' })
  if (problems.length === 0 && out !== undefined) tell(`written to ${out}`)
}

/** After `--metric` a word that is no path is one more metric, as in `--metric a b`. */
function partWords({ runs, metric }: CompareWords): { runs: string[]; metrics: string[] } {
  const isMetric = (word: string) => metric.length > 0 && !/[/\\]/.test(word) && !existsSync(word)
  return {
    runs: runs.filter((word) => !isMetric(word)),
    metrics: [...metric, ...runs.filter(isMetric)].flatMap(parseNames),
  }
}

/** With `--out` only, a page and the table. */
async function compareExports(words: CompareWords): Promise<Export[]> {
  const exports = await parseExports(words)
  if (words.out === undefined) return exports
  await checkWritable(words.out)
  return exports.length > 0 ? exports : OUT_DEFAULTS.map((format) => ({ format, to: null }))
}
