/** What `stint pipeline` says and writes at its end, also where `stint resume` brings it there. */

import { existsSync, realpathSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { PIPELINE_NAME } from '../pipeline/sweep.ts'
import { openRun } from '../record/open-run.ts'
import type { PipelineRequest } from '../record/types.ts'
import type { Export } from '../report/export.ts'
import { safeJson } from '../report/render/json.ts'
import { terminalText } from '../report/render/terminal.ts'
import type { SweepRun } from '../session/run.ts'
import { userErrorFrom } from './complaint.ts'
import { answer, tell } from './console.ts'
import { EXIT } from './exit.ts'
import {
  type ExportWords,
  parseExports,
  takesStdout,
  tellProblems,
  terminalOf,
  whereToWrite,
} from './export.ts'
import { finishedFolder } from './finished-folder.ts'

/** Where the trials themselves are kept, below the output folder. */
export const RUNS = 'runs'

/** Libraries for tables and pictures take half a second to load. */
export async function loadReports() {
  const [data, report, write] = await Promise.all([
    import('../report/pipeline/data.ts'),
    import('../report/sections/pipeline.ts'),
    import('../report/pipeline/write.ts'),
    import('../report/render/csv.ts'),
    import('../report/plots/png.ts'),
  ])
  return { ...data, ...report, ...write }
}

/** With the original's files, a page. */
export function pipelineExports(words: ExportWords): Export[] {
  const exports = parseExports(words, ['csv', 'png'])
  return exports.length > 0 ? exports : [{ format: 'markdown', to: null }]
}

interface PipelineWords {
  json: boolean
  quiet: boolean
  exports: readonly Export[]
}

/** Writes the files of a run that is complete; else says how to go on. */
export async function concludePipeline(
  end: SweepRun,
  { options, output }: PipelineRequest,
  { json, quiet, exports }: PipelineWords,
): Promise<void> {
  if (end.done === 'refused') throw userErrorFrom(inFlags(end.problem))
  const finished = finishedFolder(end, (folder) => [
    `"stint resume ${folder}" runs the trials that are missing and writes the files to ${output}`,
  ])
  if (finished === null) return
  const run = openRun(finished)
  const { readPipelineData, pipelineReport, writePipelineFiles } = await loadReports()
  const data = readPipelineData(run)
  const report = pipelineReport(data, options)
  const { written, skipped, problems } = await writePipelineFiles(data, report, options, exports, {
    ...whereToWrite(),
    folder: output,
  })
  if (!quiet) tell(`\n${terminalText(report, terminalOf(process.stderr, output))}\n`)
  for (const { file, reason } of skipped) tell(`no ${file}: ${reason}`)
  tellProblems(problems)
  if (problems.length > 0) tell(`  the measurements are whole; "stint resume ${finished}" tries again`)
  if (problems.length > 0 || run.trials.some(({ outcome }) => outcome === 'failed'))
    process.exitCode = EXIT.failed
  const files = written.map((path) => relative(output, path))
  if (json) answer(safeJson({ output_folder: output, run_folder: finished, files }))
  else if (!takesStdout(exports)) answer(output)
}

/**
 * The output folder of a run that is taken up again: the one asked for, or where the whole of it was moved or copied.
 * @param folder of the run, links resolved
 */
export function outputOf(folder: string, asked: string): string {
  const run = join(RUNS, PIPELINE_NAME, basename(folder))
  const before = join(asked, run)
  const stayed = existsSync(before) && realpathSync(before) === folder
  return stayed || !folder.endsWith(sep + run) ? asked : folder.slice(0, -(sep + run).length)
}

/** Problems are told in a sweep's words; here they are flags. */
function inFlags<P extends { message: string; hint?: string }>(problem: P): P {
  const word = (text: string) =>
    text
      .replaceAll('dataset.target', '--target')
      .replaceAll('dataset.preset', '--preset')
      .replaceAll('params.learner', '--learner')
      .replaceAll('say "caps: best_effort" in the sweep', 'say --caps best_effort')
  return {
    ...problem,
    message: word(problem.message),
    ...(problem.hint !== undefined && { hint: word(problem.hint) }),
  }
}
