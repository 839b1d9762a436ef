/** `stint bisect`: which commit made it worse? */
import { bisect, loadSweep } from '../index.ts'
import { type Command, EXIT, MOST_MARGIN, parseSeconds, parseShare } from './command.ts'
import { answerWith, type ExportWords, exportOption, jsonOption, parseExports } from './output.ts'
import { watched } from './signals.ts'

interface BisectWords extends ExportWords {
  sweep: string
  good: string
  bad: string
  margin: string | undefined
  'time-limit': string
  set: string[]
  quiet: boolean
}

export const bisectCommand: Command<BisectWords> = {
  builder: (yargs) =>
    yargs
      .positional('sweep', { type: 'string', demandOption: true, describe: 'sweep file (YAML)' })
      .options({
        good: { type: 'string', demandOption: true, describe: 'git ref that every commit is compared with' },
        bad: { type: 'string', default: 'HEAD', describe: 'git ref after it that is worse' },
        margin: { type: 'string', describe: 'largest slowdown to tolerate, such as 2%' },
        'time-limit': { type: 'string', default: '60s', describe: 'how long to measure for each commit' },
        set: {
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: 'override one key of the sweep; may be repeated',
        },
        ...exportOption,
        ...jsonOption,
        quiet: { type: 'boolean', default: false, describe: 'no progress' },
      })
      .example('$0 bisect sweep.yaml --good v1.2 --bad main', 'the first commit that is slower than v1.2')
      .epilogue(
        'Exit codes: 0 the commit is found, 3 it is not; 2 bad usage, 4 the harness failed. With git: "git bisect run stint gate sweep.yaml --against GOOD --bisect-run".',
      ),
  handler: bisectCommits,
}

async function bisectCommits(words: BisectWords): Promise<void> {
  const { good, bad, json } = words
  const exports = await parseExports(words)
  const margin =
    words.margin === undefined ? {} : { margin: parseShare('--margin', words.margin, MOST_MARGIN) }
  const limitMs = 1000 * parseSeconds('--time-limit', words['time-limit'])
  const sweep = await loadSweep(words.sweep, { set: words.set }, { isBuiltLater: true })
  const result = await watched({ quiet: words.quiet, nothing: '; no commit was found' }, (hooks) =>
    bisect(sweep, { good, bad, limitMs, ...margin, ...hooks }),
  )
  if (result === null) return
  process.exitCode = result.found === null ? EXIT.undecided : EXIT.ok
  await answerWith(result.report, { json, exports })
}
