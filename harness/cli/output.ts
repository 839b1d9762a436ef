/** Where an answer goes: to stdout in words or as JSON, and by `--export` into files. */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import {
  checkReplaceable,
  checkWritable,
  choosePlots,
  type Export,
  FORMAT_BY_ENDING,
  FORMATS,
  type Format,
  PLOTS,
  type Report,
  renderReport,
  type TerminalOptions,
  UserError,
  type WriteOptions,
  type WrittenReport,
  writeReport,
} from '../index.ts'
import { EXIT, parseNames } from './command.ts'
import { answer, answerFile, tell, wantsColour, widthOf } from './console.ts'
import { listOption } from './options.ts'

/** For yargs. */
export const exportOption = {
  export: listOption(
    `write FORMAT, FORMAT=FILE (- for stdout), or FILE whose ending names the format; several with commas; formats: ${FORMATS.join(', ')}`,
  ),
  overwrite: {
    type: 'boolean',
    default: false,
    describe: 'replace files that Stint did not write, too',
  },
} as const

/** For yargs. */
export const jsonOption = {
  json: { type: 'boolean', default: false, describe: 'one JSON object on stdout' },
} as const

export interface ExportWords {
  export: readonly string[]
  overwrite: boolean
  json: boolean
}

const START = new RegExp(`^(?:${FORMATS.join('|')})(?:=|$)`)

/**
 * @param words of the option, such as `html,junit=gate.xml`, and whether the answer on stdout is JSON
 * @param several formats that give several files here, and so need a folder
 * @throws UserError for what cannot be written, before anything is measured
 */
export async function parseExports(
  { export: words, overwrite, json }: ExportWords,
  several: readonly Format[] = [],
): Promise<Export[]> {
  const exports: Export[] = []
  for (const word of words.flatMap(splitWords)) exports.push(await parseExport(word, several, overwrite))
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

async function parseExport(word: string, several: readonly Format[], overwrite: boolean): Promise<Export> {
  const named = word.split('=')
  const byName = FORMATS.find((known) => known === named[0])
  const ending = extname(word).slice(1).toLowerCase()
  const byEnding = Object.hasOwn(FORMAT_BY_ENDING, ending) ? FORMAT_BY_ENDING[ending] : undefined
  const format = byName ?? byEnding
  // A file is named by itself, or after its format.
  const rest = byName === undefined ? [word] : named.slice(1)
  if (format === undefined)
    throw new UserError(`--export ${word}: no such format`, `formats: ${FORMATS.join(', ')}`)
  if (byName === undefined && several.includes(format))
    throw new UserError(
      `--export ${word}: ${format} gives several files here`,
      `name a folder, such as ${format}=tables`,
    )
  const to = rest.length === 0 ? null : rest.join('=')
  if (to === '') throw new UserError(`--export ${word}: a file is missing after =`)
  if (to === null || to === '-') {
    if (to === '-' && format === 'arrow')
      throw new UserError(`--export ${word}: Arrow is no text`, 'name a file, such as arrow=tables')
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
    await checkWritable(to, '--export')
  } else {
    if (isFolder) throw new UserError(`--export ${word}: ${to} is a folder; ${format} needs a file`)
    // Made now, so that what is measured is not lost to a folder that is not there.
    mkdirSync(dirname(to), { recursive: true })
    await checkWritable(dirname(to), '--export')
    if (!overwrite) await checkReplaceable(to)
  }
  return { format, to }
}

/** What a run folder holds unless `--export` says otherwise. */
const DEFAULTS: readonly Format[] = ['csv', 'json', 'png', 'markdown', 'html']

/** Of a run, some of these are several files. */
export async function runExports(words: ExportWords): Promise<Export[]> {
  const exports = await parseExports(words, ['csv', 'arrow', 'png', 'svg'])
  return exports.length > 0 ? exports : DEFAULTS.map((format) => ({ format, to: null }))
}

/** Answers in words or as JSON, and writes what was asked for, by default into the working folder. */
export async function answerWith(
  report: Report,
  {
    json,
    exports,
    overwrite,
    folder = '.',
  }: { json: boolean; exports: readonly Export[]; overwrite: boolean; folder?: string },
): Promise<WrittenReport> {
  if (json) answer(await renderReport(report, 'json'))
  else if (!takesStdout(exports)) answer(await renderReport(report, 'text', terminalOf(process.stdout)))
  const files = await writeReport(report, exports, { ...whereToWrite(), overwrite, folder })
  tellProblems(files)
  return files
}

/** Annotations name files as the repository does, wherever the step works. */
export function whereToWrite(): Required<Pick<WriteOptions, 'top' | 'print'>> {
  return { top: process.env['GITHUB_WORKSPACE'] || process.cwd(), print: answerFile }
}

/** Says what could not be written, which is exit code 4 unless there is another. */
export function tellProblems({ problems }: WrittenReport): void {
  for (const { file, error } of problems) tell(`stint: ${file} could not be written: ${error.message}`)
  if (problems.length > 0 && !process.exitCode) process.exitCode = EXIT.failed
}

/** True where an export takes stdout from the answer in words. */
export function takesStdout(exports: readonly Export[]): boolean {
  return exports.some(({ to }) => to === '-')
}

/** A summary on stderr, cut short where the files have the rest. */
export async function tellReport(report: Report, folder: string, { skipped }: WrittenReport): Promise<void> {
  const hasFile = (file: string) => existsSync(join(folder, file))
  const text = await renderReport(report, 'text', { ...terminalOf(process.stderr), hasFile })
  tell(`\n${text}\n`)
  for (const { file, reason } of skipped) tell(`no ${file}: ${reason}`)
}

function terminalOf(stream: NodeJS.WriteStream): TerminalOptions {
  const { rows } = stream as Partial<NodeJS.WriteStream>
  return { colour: wantsColour(stream), width: widthOf(stream), ...(rows !== undefined && { height: rows }) }
}

/** For yargs. */
export function plotsOption(kind: keyof typeof PLOTS) {
  return {
    plots: listOption(
      `pictures to draw: all, none, or names with commas: ${Object.keys(PLOTS[kind]).join(', ')}`,
    ),
  }
}

export interface PlotWords {
  plots: readonly string[]
}

/**
 * @returns undefined where nothing is said
 * @throws UserError for an unknown name, and where no form that was asked for holds pictures
 */
export async function parsePlots(
  { plots: words }: PlotWords,
  kind: keyof typeof PLOTS,
  exports: readonly Export[],
): Promise<string[] | undefined> {
  if (words.length === 0) return undefined
  const chosen = await choosePlots(kind, words.flatMap(parseNames))
  if (chosen.length > 0 && !arePictured(exports))
    throw new UserError(
      '--plots: nothing that is written holds pictures',
      `add ${PICTURED.map((format) => `--export ${format}`).join(' or ')}`,
    )
  return chosen
}

const PICTURED: readonly Format[] = ['html', 'png', 'svg']

/** The pictures of an answer that draws them only where a form that was asked for holds them. */
export async function answerPlots(
  words: PlotWords,
  kind: keyof typeof PLOTS,
  exports: readonly Export[],
): Promise<string[]> {
  return (await parsePlots(words, kind, exports)) ?? (arePictured(exports) ? Object.keys(PLOTS[kind]) : [])
}

/** Whether any of these forms holds pictures. */
function arePictured(exports: readonly Export[]): boolean {
  return exports.some(({ format }) => PICTURED.includes(format))
}
