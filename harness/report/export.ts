/** A report in, files out: which formats there are, and where their files go. */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { writeAtomically } from '../record/atomic.ts'
import { isReplaceable, recordWritten, refuseForeign, userRecord } from '../record/written.ts'
import { annotationLines } from './render/annotations.ts'
import { reportJson } from './render/json.ts'
import { junitText } from './render/junit.ts'
import { markdownText } from './render/markdown.ts'
import { bencherText, githubBenchmarkText, goBenchmarkText, openMetricsText } from './render/measurements.ts'
import { terminalText } from './render/terminal.ts'
import { type Export, FORMATS, type Format, type Plot, picturesOf, type Report } from './section.ts'

export interface WriteOptions {
  /** Of the files under the report's own names. */
  folder: string
  /** Of the repository, for annotations. */
  top?: string
  /** What is written to `-`. */
  print?: (text: string) => void
  /** Replaces files that Stint did not write too; false where absent. */
  overwrite?: boolean
  /**
   * Where it is recorded which files of the folder Stint wrote; null: the folder is a run folder, in which all files of
   * these names are. Absent: in the user's cache, as for all files elsewhere.
   */
  record?: string | null
}

export interface WrittenReport {
  /** Paths, in the order written. */
  written: string[]
  /** Pictures that the report has no data for. */
  skipped: { file: string; reason: string }[]
  /** Files that could not be made; the others were written all the same. */
  problems: { file: string; error: Error }[]
}

/** Width of text that goes to no terminal. */
const TEXT_WIDTH = 120

type Content = string | Buffer | { encoding: Promise<Buffer> }

interface OutputFile {
  /** The report's own name for it. */
  file: string
  /** @param path where it will be */
  content(path: string): Content | Promise<Content>
}

/** Writes every file as a whole or not at all; one failure costs one file. */
export async function writeReport(
  report: Report,
  exports: readonly Export[],
  { folder, top = process.cwd(), print = () => {}, overwrite = false, record = userRecord() }: WriteOptions,
): Promise<WrittenReport> {
  const result: WrittenReport = { written: [], skipped: [], problems: [] }
  const encoding: (() => Promise<void>)[] = []
  const save = (path: string, content: string | Buffer, known: string | null) => {
    if (path === '-') return print(String(content).trimEnd())
    replaceFile(path, content, { overwrite, record: known })
    result.written.push(path)
  }
  const guarded = async (file: string, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      result.problems.push({ file, error: error instanceof Error ? error : new Error(String(error)) })
    }
  }
  const inOrder = [...exports].sort((a, b) => FORMATS.indexOf(a.format) - FORMATS.indexOf(b.format))
  for (const { format, to } of inOrder) {
    const isPictures = format === 'png' || format === 'svg'
    if (isPictures && to === null)
      result.skipped.push(...withoutOldPictures(report, format, folder, overwrite ? null : record))
    const known = to === null ? record : userRecord()
    const files = filesOf(report, format, { folder, top })
    // A picture that is skipped counts, so that one place always means the same.
    const isFolder = (isPictures ? picturesOf(report).filter(hasFile) : files).length > 1
    for (const { file, content } of files) {
      const path = to === null ? join(folder, file) : isFolder ? join(to, basename(file)) : to
      await guarded(file, async () => {
        const made = await content(path)
        if (typeof made === 'string' || Buffer.isBuffer(made)) return save(path, made, known)
        // Encoding runs beside this thread: the next picture is drawn meanwhile.
        made.encoding.catch(() => {})
        encoding.push(() => guarded(file, async () => save(path, await made.encoding, known)))
      })
    }
    if (format === 'png') for (const finish of encoding) await finish()
  }
  return result
}

/**
 * Writes a file as a whole, its folder too.
 * @param record of what Stint wrote there; null: every file there is
 * @throws {UserError} where one is there that Stint did not write
 */
export function replaceFile(
  path: string,
  content: string | Buffer,
  { overwrite, record }: { overwrite: boolean; record: string | null },
): void {
  mkdirSync(dirname(path), { recursive: true })
  if (record !== null) {
    if (!overwrite) refuseForeign(path, record)
    recordWritten(content, record)
  }
  writeAtomically(path, content)
}

/** What brings large libraries is loaded where it is asked for. */
function filesOf(
  report: Report,
  format: Format,
  { folder, top }: { folder: string; top: string },
): OutputFile[] {
  const page = (ending: string, content: OutputFile['content']): OutputFile[] => [
    { file: report.file + ending, content },
  ]
  const isThere = (file: string) => existsSync(join(folder, file))
  switch (format) {
    case 'csv':
      return report.tables.map((table) => ({
        file: table.file,
        content: async () => (await import('./render/csv.ts')).csvText(table),
      }))
    case 'arrow':
      return report.tables.map((table) => ({
        file: table.file.replace(/\.csv$/, '.arrow'),
        content: async () => (await import('./render/arrow.ts')).arrowFile(table),
      }))
    case 'openmetrics':
      return page('.om', measured(report, openMetricsText))
    case 'gobench':
      return page('.bench', measured(report, goBenchmarkText))
    case 'github-benchmark':
      return page('.github-benchmark.json', measured(report, githubBenchmarkText))
    case 'bencher':
      return page('.bencher.json', measured(report, bencherText))
    case 'json':
      return page('.json', () => `${reportJson(report)}\n`)
    case 'junit':
      return page('.xml', () => junitText(report))
    case 'annotations':
      return page('.annotations.txt', () => `${annotationLines(report, top).join('\n')}\n`)
    case 'png':
    case 'svg':
      return picturesOf(report)
        .filter(hasFile)
        .flatMap(({ file, spec }) =>
          spec ? [{ file: pictureFile(file, format), content: () => drawn(spec, format) }] : [],
        )
    case 'markdown':
      return page('.md', (path) => markdownText(report, { pictureLink: pictureLink(folder, path) }))
    case 'text':
      return page(
        '.txt',
        () => `${terminalText(report, { colour: false, width: TEXT_WIDTH, hasFile: isThere })}\n`,
      )
    case 'html':
      return page('.html', async () => (await import('./render/html.ts')).htmlText(report))
  }
}

function measured(report: Report, render: (report: Report) => string): () => string {
  return () => {
    if (report.measurements === undefined)
      throw new Error(`only a run has measurements, not a ${report.kind}`)
    return render(report)
  }
}

async function drawn(spec: object, format: 'png' | 'svg'): Promise<Content> {
  const { drawPicture, pictureSvg } = await import('./plots/draw.ts')
  return format === 'svg' ? pictureSvg(spec) : { encoding: (await drawPicture(spec)).encode('png') }
}

/** A report names its pictures as PNG. */
function pictureFile(file: string, format: 'png' | 'svg'): string {
  return format === 'png' ? file : file.replace(/\.png$/, `.${format}`)
}

/** From a page to a picture that is there. */
function pictureLink(folder: string, page: string): (file: string) => string | null {
  return (file) => {
    const path = join(folder, file)
    return existsSync(path)
      ? relative(page === '-' ? process.cwd() : dirname(page), path).replaceAll('\\', '/')
      : null
  }
}

function hasFile({ pageOnly }: Plot): boolean {
  return !pageOnly
}

/** What an earlier rendering left of a picture that is skipped or not chosen now would pass for this one's. */
function withoutOldPictures(
  report: Report,
  format: 'png' | 'svg',
  folder: string,
  record: string | null,
): WrittenReport['skipped'] {
  const pictures = picturesOf(report).filter(hasFile)
  const drawn = new Set(pictures.flatMap(({ file, skipped }) => (skipped === undefined ? [file] : [])))
  for (const file of [...pictures.map(({ file }) => file), ...(report.pictureFiles ?? [])]) {
    const path = join(folder, pictureFile(file, format))
    if (!drawn.has(file) && (record === null || isReplaceable(path, record))) rmSync(path, { force: true })
  }
  return pictures.flatMap(({ file, skipped: reason }) =>
    reason === undefined ? [] : [{ file: pictureFile(file, format), reason }],
  )
}
