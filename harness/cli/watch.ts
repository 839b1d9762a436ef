/** `stint watch`: the progress of a run, from any machine. */
import { watch } from '../index.ts'
import { type Command, EXIT } from './command.ts'
import { tell } from './console.ts'
import { type ServerWords, serverOf, serverOptions } from './fleet.ts'
import { watched } from './signals.ts'

interface WatchWords extends ServerWords {
  run: string
}

export const watchCommand: Command<WatchWords> = {
  builder: (yargs) =>
    yargs
      .positional('run', {
        type: 'string',
        demandOption: true,
        describe: 'run folder, or its last part, such as 20261130T041500Z-3fa2c1',
      })
      .options(serverOptions)
      .epilogue(
        'Exit codes: 0 the run has ended, 4 its coordinator is gone, 2 no such run, 130 interrupted.',
      ),
  handler: async (words) => {
    const end = await watched({ nothing: '; the run goes on' }, async ({ signal, onEvent }) => {
      const done = await watch(words.run, { ...serverOf(words), signal, onEvent })
      signal.throwIfAborted()
      return done
    })
    if (end === null) return
    tell(
      end === 'finished'
        ? 'the run has finished'
        : end === 'interrupted'
          ? 'the run was interrupted; "stint resume" goes on with it'
          : 'its coordinator is gone; "stint resume" goes on with the run',
    )
    if (end !== 'finished') process.exitCode = EXIT.failed
  },
}
