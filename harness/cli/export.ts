/** `--export`: which forms of a report are written, and where. The report itself is printed here too. */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkWritable } from '../record/run-folder.ts'
import { type Export, FORMATS, type Format, type WrittenReport, writeReport } from '../report/export.ts'
import { jsonText } from '../report/render/json.ts'
import { type TerminalOptions, terminalText } from '../report/render/terminal.ts'
import type { Report } from '../report/section.ts'
import { UserError } from '../user-error.ts'
import { answer, tell, wantsColour, widthOf } from './console.ts'

/** For yargs. */
export const exportOption = {
  export: {
    type: 'string',
    array: true,
    nargs: 1,
    default: [] as string[],
    describe: `write FORMAT or FORMAT=FILE (- for stdout), several with commas; formats: ${FORMATS.join(', ')}`,
  },
} as const

export interface ExportWords {
  export: readonly string[]
  json: boolean
}

const START = new RegExp(`^(?:${FORMATS.join('|')})(?:=|$)`)

/**
 * @param words of the option, such as `html,junit=gate.xml`, and whether the answer on stdout is JSON
 * @param several formats that give several files here, and so need a folder
 * @throws UserError for what cannot be written, before anything is measured
 */
export function parseExports({ export: words, json }: ExportWords, several: readonly Format[]): Export[] {
  const exports = words.flatMap(splitWords).map((word) => parseExport(word, several))
  const onStdout = exports.filter(({ to }) => to === '-').map(({ format }) => `--export ${format}=-`)
  const [first, second] = json ? ['--json', ...onStdout] : onStdout
  if (first !== undefined && second !== undefined)
    throw new UserError(`${first} and ${second} both need stdout`)
  return exports
}

/** A comma parts two exports only where a format follows: it may stand in the name of a file. */
function splitWords(words: string): string[] {
  const parts: string[] = []
  for (const part of words.split(',')) {
    if (parts.length > 0 && !START.test(part) && parts.at(-1)!.includes('='))
      parts.push(`${parts.pop()},${part}`)
    else parts.push(part)
  }
  return parts
}

function parseExport(word: string, several: readonly Format[]): Export {
  const [name = '', ...rest] = word.split('=')
  const format = FORMATS.find((known) => known === name)
  if (format === undefined)
    throw new UserError(`--export ${word}: no such format`, `formats: ${FORMATS.join(', ')}`)
  const to = rest.length === 0 ? null : rest.join('=')
  if (to === '') throw new UserError(`--export ${word}: a file is missing after =`)
  if (to === null || to === '-') {
    if (to === '-' && several.includes(format))
      throw new UserError(
        `--export ${word}: this gives several files`,
        `name a folder, such as ${format}=tables`,
      )
    return { format, to }
  }
  const isFolder = existsSync(to) && statSync(to).isDirectory()
  if (several.includes(format)) {
    if (existsSync(to) && !isFolder)
      throw new UserError(`--export ${word}: ${to} is a file, and ${format} needs a folder for several files`)
    checkWritable(to)
  } else {
    if (isFolder) throw new UserError(`--export ${word}: ${to} is a folder; ${format} needs a file`)
    // Made now, so that what is measured is not lost to a folder that is not there.
    mkdirSync(dirname(to), { recursive: true })
    checkWritable(dirname(to))
  }
  return { format, to }
}

/** What a run folder holds unless `--export` says otherwise. */
const DEFAULTS: readonly Format[] = ['csv', 'json', 'png', 'markdown', 'html']

/** Of a run, these are several files. */
export function runExports(words: ExportWords): Export[] {
  const exports = parseExports(words, ['csv', 'png'])
  return exports.length > 0 ? exports : DEFAULTS.map((format) => ({ format, to: null }))
}

export interface Output {
  exports: readonly Export[]
  /** Of the files under the report's own names. */
  folder: string
}

/** Writes what was asked for, and says what could not be written or has no data. */
export async function exportReport(report: Report, { exports, folder }: Output): Promise<WrittenReport> {
  const result = await writeReport(report, exports, { ...whereToWrite(), folder })
  tellProblems(result.problems)
  return result
}

/** Annotations name files as the repository does, wherever the step works. */
export function whereToWrite(): { top: string; print: (text: string) => void } {
  return { top: process.env['GITHUB_WORKSPACE'] || process.cwd(), print: answer }
}

export function tellProblems(problems: WrittenReport['problems']): void {
  for (const { file, error } of problems) tell(`stint: ${file} could not be written: ${error.message}`)
}

/** True where an export takes stdout from the answer in words. */
export function takesStdout(exports: readonly Export[]): boolean {
  return exports.some(({ to }) => to === '-')
}

/** The answer in words, or as one JSON object. */
export function printReport(report: Report, { json }: { json: boolean }): void {
  answer(json ? jsonText(report) : terminalText(report, terminalOf(process.stdout)))
}

/** @param folder of the report's files, so that what they hold may be cut short */
export function terminalOf(stream: NodeJS.WriteStream, folder?: string): TerminalOptions {
  const hasFile = (file: string) => folder !== undefined && existsSync(join(folder, file))
  return { colour: wantsColour(stream), width: widthOf(stream), hasFile }
}
