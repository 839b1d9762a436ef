/** Everything that is written about a run: one exporter a file. */
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeAtomically } from '../record/atomic.ts'
import { constraintExperimentCsv } from './constraint-experiment.ts'
import { reportHtml } from './html/page.ts'
import { reportMarkdown } from './markdown.ts'
import { operatingPointsCsv } from './operating-points.ts'
import { picturesOf } from './pictures.ts'
import { renderPng } from './plots/png.ts'
import { significanceTestsCsv } from './significance-tests.ts'
import type { ReportModel } from './types.ts'

export interface Exporter {
  /** Below the run folder. */
  file: string
  render(model: ReportModel): Promise<string | Buffer> | string | Buffer
}

export interface RenderedReports {
  /** Absolute paths, in the order written. */
  written: string[]
  /** Pictures that this run has no data for. */
  skipped: { file: string; reason: string }[]
  /** Exporters that failed; the others wrote their files all the same. */
  problems: { file: string; error: Error }[]
}

/** Tables before pictures before pages: what is most needed is written first. */
export function exportersFor(model: ReportModel): Exporter[] {
  const pictures = picturesOf(model).flatMap((plot): Exporter[] =>
    plot.spec ? [{ file: plot.file, render: () => renderPng(plot.spec) }] : [],
  )
  return [
    { file: 'benchmarks/constraint_experiment.csv', render: constraintExperimentCsv },
    {
      file: 'benchmarks/significance_tests.csv',
      render: ({ comparisons }) => significanceTestsCsv(comparisons),
    },
    { file: 'benchmarks/operating_points.csv', render: operatingPointsCsv },
    { file: 'reports/report.md', render: reportMarkdown },
    ...pictures,
    { file: 'reports/report.html', render: reportHtml },
  ]
}

/** Writes every file as a whole or not at all; what an earlier rendering left of a skipped picture is removed. */
export async function renderAll(model: ReportModel, runFolder: string): Promise<RenderedReports> {
  const skipped = picturesOf(model).flatMap(({ file, skipped: reason }) => (reason ? [{ file, reason }] : []))
  for (const { file } of skipped) rmSync(join(runFolder, file), { force: true })
  return { ...(await writeAll(exportersFor(model), model, runFolder)), skipped }
}

/** One failure costs one file. */
export async function writeAll(
  exporters: readonly Exporter[],
  model: ReportModel,
  runFolder: string,
): Promise<Pick<RenderedReports, 'written' | 'problems'>> {
  const written: string[] = []
  const problems: RenderedReports['problems'] = []
  for (const { file, render } of exporters) {
    const path = join(runFolder, file)
    try {
      const content = await render(model)
      mkdirSync(dirname(path), { recursive: true })
      writeAtomically(path, content)
      written.push(path)
    } catch (error) {
      problems.push({ file, error: error instanceof Error ? error : new Error(String(error)) })
    }
  }
  return { written, problems }
}
