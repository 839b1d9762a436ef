/** `stint profiles`: the hardware profiles that ship. */
import { profiles } from '../index.ts'
import type { Command } from './command.ts'
import { answerWith, type ExportWords, exportOption, jsonOption, parseExports } from './output.ts'

export const profilesCommand: Command<ExportWords> = {
  builder: (yargs) => yargs.options({ ...exportOption, ...jsonOption }),
  handler: async (words) => {
    const exports = await parseExports(words)
    const { report } = await profiles()
    await answerWith(report, { ...words, exports })
  },
}
