/** `stint init`: writes a first sweep for a data file. */
import { init, plain } from '../index.ts'
import type { Command } from './command.ts'
import { answer, tell } from './console.ts'
import { watched } from './signals.ts'

interface InitWords {
  data: string
  target: string | undefined
  out: string | undefined
  force: boolean
}

export const initCommand: Command<InitWords> = {
  builder: (yargs) =>
    yargs
      .positional('data', {
        type: 'string',
        demandOption: true,
        describe: 'data file: CSV or NDJSON, or either as .gz',
      })
      .options({
        target: {
          type: 'string',
          requiresArg: true,
          describe: 'column to predict; needed unless a preset fits the columns',
        },
        out: {
          type: 'string',
          requiresArg: true,
          describe: "file to write; by default the data's name with .yaml",
        },
        force: { type: 'boolean', default: false, describe: 'replace a file that is there' },
      })
      .example('$0 init my.csv --target price', 'writes my.yaml, for stint run my.yaml'),
  handler: writeSweep,
}

async function writeSweep({ data, target, out, force }: InitWords): Promise<void> {
  const words = { ...(target !== undefined && { target }), ...(out !== undefined && { out }), force }
  const written = await watched({ quiet: true, nothing: '; nothing was written' }, (hooks) =>
    init(data, { ...words, ...hooks }),
  )
  if (written === null) return
  for (const note of written.notes) tell(plain(note))
  answer(written.path)
}
