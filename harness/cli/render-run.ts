/** From a run folder to its reports, and what a command says of it. */
import type { TrialResult } from '../../workers/protocol.ts'
import { readJournal } from '../record/journal.ts'
import { readManifest } from '../record/manifest.ts'
import { journalPath } from '../record/run-folder.ts'
import { type RenderedReports, renderAll } from '../report/exporters.ts'
import { buildReportModel } from '../report/model.ts'
import { runSummary } from '../report/terminal.ts'
import type { ReportModel } from '../report/types.ts'
import { answer, tell, wantsColour, widthOf } from './console.ts'
import { EXIT } from './exit.ts'

export interface RenderedRun {
  folder: string
  trials: TrialResult[]
  model: ReportModel
  reports: RenderedReports
}

/** Reads the run folder and writes its tables and pictures anew. */
export async function renderRun(folder: string): Promise<RenderedRun> {
  const manifest = readManifest(folder)
  const { trials } = readJournal(journalPath(folder))
  const model = buildReportModel(manifest, trials)
  return { folder, trials, model, reports: await renderAll(model, folder) }
}

/** Prints the answer in the form that was asked for. A report that could not be written is exit code 4. */
export function printRun(run: RenderedRun, { json, quiet }: { json: boolean; quiet: boolean }): void {
  for (const { file, error } of run.reports.problems)
    tell(`stint: ${file} could not be written: ${error.message}`)
  if (run.reports.problems.length > 0) {
    tell(`  the measurements are whole; "stint report ${run.folder}" tries again`)
    process.exitCode = EXIT.failed
  }
  if (json) {
    answer(JSON.stringify(describeRun(run)))
    return
  }
  if (!quiet)
    tell(
      `\n${runSummary(run.model, { colour: wantsColour(process.stderr), width: widthOf(process.stderr) })}\n`,
    )
  if (!quiet) for (const { file, reason } of run.reports.skipped) tell(`no ${file}: ${reason}`)
  answer(run.folder)
}

function describeRun({ folder, model, reports }: RenderedRun): object {
  return {
    run_folder: folder,
    name: model.manifest.sweep.name,
    trials: model.trials,
    latency: model.latency,
    accuracy: model.accuracy,
    scenarios: model.scenarios.map(
      ({ id, label, flat, trials, outcomes, metrics, front, compute, memory, failures, precision }) => ({
        id,
        label,
        params: flat,
        trials,
        outcomes,
        metrics,
        pareto: front.latency,
        compute,
        memory,
        failures,
        ...(precision && { precision }),
      }),
    ),
    comparisons: model.comparisons,
    operating_points: model.operating.points,
    notices: model.notices,
    files: reports.written,
  }
}
