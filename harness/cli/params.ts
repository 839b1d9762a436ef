/** `stint params`: the parameters of the built-in pipeline, or of a user's workload. */
import { params } from '../index.ts'
import type { Command } from './command.ts'
import { answerWith, type ExportWords, exportOption, jsonOption, parseExports } from './output.ts'
import { watched } from './signals.ts'

interface ParamsWords extends ExportWords {
  workload: string | undefined
}

export const paramsCommand: Command<ParamsWords> = {
  builder: (yargs) =>
    yargs
      .positional('workload', {
        type: 'string',
        describe: 'module of a workload, such as ./my-workload.mjs; the built-in pipeline by default',
      })
      .options({ ...exportOption, ...jsonOption }),
  handler: async (words) => {
    const exports = await parseExports(words)
    const found = await watched({ quiet: true, nothing: '' }, (hooks) => params(words.workload, hooks))
    if (found !== null) await answerWith(found.report, { ...words, exports })
  },
}
