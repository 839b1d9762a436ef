/** Every file that `stint pipeline` writes, under the names of the original, and the pages that are asked for. */
import { join, relative } from 'node:path'
import type { PipelineOptions } from '../../pipeline/options.ts'
import { replaceFile, type WriteOptions, type WrittenReport, writeReport } from '../export.ts'
import type { Export, Format, Report } from '../section.ts'
import type { PipelineData } from './data.ts'
import { runManifest } from './report-json.ts'
import { CHUNKS_FILE, chunkLines } from './tables.ts'

/** The original's files, whatever else is asked for. */
const ALWAYS: readonly Format[] = ['csv', 'json', 'png']

/**
 * Writes every file as a whole or not at all; one failure costs one file.
 * @returns with files below the output folder named from there
 */
export async function writePipelineFiles(
  data: PipelineData,
  report: Report,
  options: PipelineOptions,
  exports: readonly Export[],
  where: WriteOptions,
): Promise<WrittenReport> {
  const { folder, overwrite = false, record = null } = where
  const result: WrittenReport = { written: [], skipped: [], problems: [] }
  const write = (file: string, content: () => string) => {
    try {
      const path = join(folder, file)
      replaceFile(path, content(), { overwrite, record })
      result.written.push(path)
    } catch (error) {
      result.problems.push({ file, error: error instanceof Error ? error : new Error(String(error)) })
    }
  }
  write(CHUNKS_FILE, () =>
    chunkLines(data)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  const named = exports.filter(({ format, to }) => to !== null || !ALWAYS.includes(format))
  const all = [...ALWAYS.map((format): Export => ({ format, to: null })), ...named]
  const pages = await writeReport(report, all, where)
  result.written.push(...pages.written)
  result.problems.push(...pages.problems)
  const files = () =>
    result.written.map((path) => relative(folder, path)).filter((path) => !path.startsWith('..'))
  write(
    'metadata/run_manifest.json',
    () => `${JSON.stringify(runManifest(data, options, files()), null, 2)}\n`,
  )
  return { ...result, skipped: pages.skipped }
}
