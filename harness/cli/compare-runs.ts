/** Reads the runs that `stint compare` names, compares them, and prints or writes the table. */
import { metricTable } from '../metrics.ts'
import { didYouMean, METRICS_LISTED, namesHint } from '../nearest.ts'
import { openRun, type RecordedRun } from '../record/open-run.ts'
import { checkWritable } from '../record/run-folder.ts'
import {
  type CompareOptions,
  compareRuns,
  compareWithin,
  profileReference,
  type RunComparison,
} from '../report/compare.ts'
import type { Export, Format } from '../report/export.ts'
import type { Plot } from '../report/plots/theme.ts'
import { compareReport, forestOf } from '../report/sections/compare.ts'
import { UserError } from '../user-error.ts'
import { tell } from './console.ts'
import { EXIT } from './exit.ts'
import { type ExportWords, exportReport, parseExports, printReport, takesStdout } from './export.ts'

const OUT_DEFAULTS: readonly Format[] = ['markdown', 'csv']
/** Forms with the picture of the comparisons. */
const PICTURED: readonly Format[] = ['html', 'png']

export interface CompareWords extends ExportWords {
  runs: string[]
  metric: string[]
  out: string | undefined
}

export async function compare(words: CompareWords): Promise<void> {
  const { runs: folders, metric, out, json } = words
  const exports = compareExports(words)
  const runs = folders.map(openRun)
  const options = metric.length === 0 ? {} : { metrics: metric }
  refuseUnknown(metric, runs[0]!)
  const comparison = runs.length === 1 ? withinOne(runs[0]!, options) : compareRuns(runs, options)
  const report = compareReport(comparison, await pictureOf(comparison, exports))
  if (json || !takesStdout(exports)) printReport(report, { json })
  const { problems } = await exportReport(report, { exports, folder: out ?? '.' })
  if (problems.length > 0) process.exitCode = EXIT.failed
  else if (out !== undefined) tell(`written to ${out}`)
}

/** Drawing takes half a second to load, so only for what shows it. */
async function pictureOf(comparison: RunComparison, exports: readonly Export[]): Promise<Plot | null> {
  if (!exports.some(({ format }) => PICTURED.includes(format))) return null
  const { significancePlot } = await import('../report/plots/significance.ts')
  return significancePlot(forestOf(comparison), 'significance.png')
}

/** With `--out` only, a page and the table. */
function compareExports(words: CompareWords): Export[] {
  const exports = parseExports(words, [])
  if (words.out === undefined) return exports
  checkWritable(words.out)
  return exports.length > 0 ? exports : OUT_DEFAULTS.map((format) => ({ format, to: null }))
}

function refuseUnknown(metrics: readonly string[], { manifest, trials }: RecordedRun): void {
  const table = metricTable(manifest.workload.metrics, trials)
  const unknown = metrics.find((name) => !table.has(name))
  if (unknown === undefined) return
  throw new UserError(
    `--metric ${unknown}: no such metric${didYouMean(unknown, table.keys())}`,
    namesHint('metrics', unknown, table.keys(), METRICS_LISTED),
  )
}

function withinOne(run: RecordedRun, options: CompareOptions): RunComparison {
  const reference = profileReference(run.manifest)
  if (reference !== null) return compareWithin(run, reference, options)
  throw new UserError(
    `${run.name}: one run without profiles has nothing to compare with`,
    'give two run folders or more',
  )
}
