/** `stint history`: when did a metric change, over many runs? */
import { history, UserError } from '../index.ts'
import { type Command, EXIT, parseShare } from './command.ts'
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

interface HistoryWords extends ExportWords, PlotWords, MetricWords, ForcedWords {
  dir: string
  alpha: number
  margin: string
  seed: number
  failOnNew: boolean
}

export const historyCommand: Command<HistoryWords> = {
  builder: (yargs) =>
    yargs
      .positional('dir', { type: 'string', demandOption: true, describe: 'folder with run folders below' })
      .options({
        ...metricOption('metric to look at, instead of those that the newest run compares'),
        alpha: {
          type: 'number',
          default: 0.05,
          describe: 'chance of reporting a change where there is none, over all series',
        },
        margin: { type: 'string', default: '2%', describe: 'smallest change worth telling, such as 5%' },
        seed: { type: 'number', default: 42, describe: 'seed of the permutation test' },
        'fail-on-new': {
          type: 'boolean',
          default: false,
          describe:
            'exit with 1 where a change for the worse is found that needed the newest run of its sweep and machine to be seen',
        },
        ...forcedOption,
        ...exportOption,
        ...plotsOption('history'),
        ...jsonOption,
      }),
  handler: showHistory,
}

async function showHistory(words: HistoryWords): Promise<void> {
  const { dir, alpha, seed, json, overwrite } = words
  if (!(alpha > 0 && alpha < 1)) throw new UserError('--alpha: expected a number between 0 and 1')
  const exports = await parseExports(words)
  const { report, events } = await history(dir, {
    metrics: metricsOf(words),
    alpha,
    margin: parseShare('--margin', words.margin),
    plots: await answerPlots(words, 'history', exports),
    seed,
    includeForced: words['include-forced'],
  })
  await answerWith(report, { json, exports, overwrite })
  const worse = events.some((event) => event.new && (event.verdict === 'worse' || event.verdict === 'mixed'))
  if (words.failOnNew && worse) process.exitCode = EXIT.regression
}
