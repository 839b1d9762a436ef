/** `stint history`: when did a metric change, over many runs? */
import { history, UserError } from '../index.ts'
import type { Command } from './command.ts'
import { answerWith, type ExportWords, exportOption, jsonOption, parseExports } from './output.ts'

interface HistoryWords extends ExportWords {
  dir: string
  metric: string[]
  alpha: number
  seed: number
}

export const historyCommand: Command<HistoryWords> = {
  builder: (yargs) =>
    yargs
      .positional('dir', { type: 'string', demandOption: true, describe: 'folder with run folders below' })
      .options({
        metric: {
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: 'metric to look at, instead of those that the newest run compares; may be repeated',
        },
        alpha: {
          type: 'number',
          default: 0.05,
          describe: 'chance of reporting a change where there is none, over all series',
        },
        seed: { type: 'number', default: 42, describe: 'seed of the permutation test' },
        ...exportOption,
        ...jsonOption,
      }),
  handler: showHistory,
}

async function showHistory(words: HistoryWords): Promise<void> {
  const { dir, metric, alpha, seed, json } = words
  if (!(alpha > 0 && alpha < 1)) throw new UserError('--alpha: expected a number between 0 and 1')
  const exports = await parseExports(words)
  const { report } = await history(dir, { metrics: metric, alpha, seed })
  await answerWith(report, { json, exports })
}
