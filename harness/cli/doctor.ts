/** `stint doctor`: what this machine can enforce and measure, and how noisy it is. */
import { doctor, UserError } from '../index.ts'
import type { Command } from './command.ts'
import { tell } from './console.ts'
import { answerWith, type ExportWords, exportOption, jsonOption, parseExports } from './output.ts'
import { watched } from './signals.ts'

interface DoctorWords extends ExportWords {
  runs: number
}

export const doctorCommand: Command<DoctorWords> = {
  builder: (yargs) =>
    yargs.options({
      runs: {
        type: 'number',
        default: 10,
        describe: 'trials on each side of a comparison of equal code, which shows the noise; 0 for none',
      },
      ...exportOption,
      ...jsonOption,
    }),
  handler: async (words) => {
    const { runs, json, overwrite } = words
    if (!Number.isSafeInteger(runs) || runs < 0)
      throw new UserError(`--runs ${runs}: expected a whole number, 0 for no comparison`)
    const exports = await parseExports(words)
    const found = await watched({ quiet: true, nothing: '' }, (hooks) =>
      doctor({ runs, onStep: (text) => tell(`stint: ${text}`), ...hooks }),
    )
    if (found !== null) await answerWith(found.report, { json, exports, overwrite })
  },
}
