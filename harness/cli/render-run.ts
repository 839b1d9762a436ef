/** From a run folder to its reports, and what a command says of it. */
import type { TrialResult } from '../../workers/protocol.ts'
import { openRun } from '../record/open-run.ts'
import type { Export, WrittenReport } from '../report/export.ts'
import { buildReportModel } from '../report/model.ts'
import { jsonText } from '../report/render/json.ts'
import { terminalText } from '../report/render/terminal.ts'
import type { Report } from '../report/section.ts'
import { runReport } from '../report/sections/run.ts'
import type { ReportModel } from '../report/types.ts'
import { answer, tell } from './console.ts'
import { EXIT } from './exit.ts'
import { exportReport, takesStdout, terminalOf } from './export.ts'

export interface RenderedRun {
  folder: string
  trials: readonly TrialResult[]
  model: ReportModel
  report: Report
  exports: readonly Export[]
  files: WrittenReport
}

/** Reads the run folder and writes its tables, pictures and pages anew. */
export async function renderRun(path: string, exports: readonly Export[]): Promise<RenderedRun> {
  const { folder, manifest, trials, notes } = openRun(path)
  const model = buildReportModel(manifest, trials, notes)
  const report = runReport(model)
  return { folder, trials, model, report, exports, files: await exportReport(report, { exports, folder }) }
}

/** Prints the answer in the form that was asked for. A report that could not be written is exit code 4. */
export function printRun(
  { folder, report, exports, files }: RenderedRun,
  { json, quiet }: { json: boolean; quiet: boolean },
): void {
  if (files.problems.length > 0) {
    tell(`  the measurements are whole; "stint report ${folder}" tries again`)
    process.exitCode = EXIT.failed
  }
  if (json) {
    answer(jsonText({ ...report, data: { run_folder: folder, ...report.data, files: files.written } }))
    return
  }
  if (!quiet) {
    tell(`\n${terminalText(report, terminalOf(process.stderr, folder))}\n`)
    for (const { file, reason } of files.skipped) tell(`no ${file}: ${reason}`)
  }
  if (!takesStdout(exports)) answer(folder)
}
