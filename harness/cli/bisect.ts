/** `stint bisect`: which commit made it worse? */
import { bisect, loadSweep } from '../index.ts'
import { type Command, EXIT } from './command.ts'
import {
  type MeasuringWords,
  measuringOf,
  measuringOptions,
  quietOption,
  type SetWords,
  setOption,
  sweepFile,
} from './options.ts'
import { answerWith, type ExportWords, exportOption, jsonOption, parseExports } from './output.ts'
import { watched } from './signals.ts'

interface BisectWords extends ExportWords, MeasuringWords, SetWords {
  sweep: string
  good: string
  bad: string
  quiet: boolean
}

export const bisectCommand: Command<BisectWords> = {
  builder: (yargs) =>
    yargs
      .positional('sweep', sweepFile)
      .options({
        good: { type: 'string', demandOption: true, describe: 'git ref that every commit is compared with' },
        bad: { type: 'string', default: 'HEAD', describe: 'git ref after it that is worse' },
        ...measuringOptions('how long the gate of each commit may take, builds not counted'),
        ...setOption,
        ...exportOption,
        ...jsonOption,
        ...quietOption('no progress'),
      })
      .example('$0 bisect sweep.yaml --good v1.2 --bad main', 'the first commit that is slower than v1.2')
      .epilogue(
        'Exit codes: 0 the commit is found, 3 it is not; 2 bad usage, 4 the harness failed. With git: "git bisect run stint gate sweep.yaml --against GOOD --bisect-run".',
      ),
  handler: bisectCommits,
}

async function bisectCommits(words: BisectWords): Promise<void> {
  const { good, bad, json, overwrite } = words
  const exports = await parseExports(words)
  const measuring = measuringOf(words)
  const sweep = await loadSweep(words.sweep, { set: words.set }, { isBuiltLater: true })
  const result = await watched({ quiet: words.quiet, nothing: '; no commit was found' }, (hooks) =>
    bisect(sweep, { good, bad, ...measuring, ...hooks }),
  )
  if (result === null) return
  process.exitCode = result.found === null ? EXIT.undecided : EXIT.ok
  await answerWith(result.report, { json, exports, overwrite })
}
