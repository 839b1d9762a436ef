/** Reads the runs that `stint compare` names, compares them, and prints or writes the table. */
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { metricTable } from '../metrics.ts'
import { writeAtomically } from '../record/atomic.ts'
import { readJournal } from '../record/journal.ts'
import { readManifest } from '../record/manifest.ts'
import { checkWritable, journalPath, resolveRunFolder } from '../record/run-folder.ts'
import {
  type CompareOptions,
  compareRuns,
  compareWithin,
  profileReference,
  type RecordedRun,
  type RunComparison,
} from '../report/compare.ts'
import { comparisonMarkdown, comparisonText } from '../report/compare-text.ts'
import { significanceTestsCsv } from '../report/significance-tests.ts'
import { UserError } from '../user-error.ts'
import { answer, tell, wantsColour, widthOf } from './console.ts'

export interface CompareWords {
  runs: string[]
  metric: string[]
  out: string | undefined
  json: boolean
}

export function compare({ runs: folders, metric, out, json }: CompareWords): void {
  const runs = folders.map(readRun)
  const options = metric.length === 0 ? {} : { metrics: metric }
  refuseUnknown(metric, runs[0]!)
  const comparison = runs.length === 1 ? withinOne(runs[0]!, options) : compareRuns(runs, options)
  if (json) answer(JSON.stringify(comparison))
  else
    answer(
      comparisonText(comparison, { colour: wantsColour(process.stdout), width: widthOf(process.stdout) }),
    )
  if (out !== undefined) writeFiles(comparison, out)
}

function readRun(path: string): RecordedRun {
  const folder = resolveRunFolder(path)
  const manifest = readManifest(folder)
  return {
    name: `${manifest.sweep.name}/${basename(folder)}`,
    manifest,
    trials: readJournal(journalPath(folder)).trials,
  }
}

function refuseUnknown(metrics: readonly string[], { manifest }: RecordedRun): void {
  const table = metricTable(manifest.workload.metrics)
  const unknown = metrics.find((name) => !table.has(name))
  if (unknown === undefined) return
  throw new UserError(`--metric ${unknown}: no such metric`, `metrics: ${[...table.keys()].join(', ')}`)
}

function withinOne(run: RecordedRun, options: CompareOptions): RunComparison {
  const reference = profileReference(run.manifest)
  if (reference !== null) return compareWithin(run, reference, options)
  throw new UserError(
    `${run.name}: one run without profiles has nothing to compare with`,
    'give two run folders or more',
  )
}

function writeFiles(comparison: RunComparison, out: string): void {
  checkWritable(out)
  mkdirSync(out, { recursive: true })
  const rows = comparison.lines.map(({ row }) => row)
  writeAtomically(join(out, 'compare.md'), comparisonMarkdown(comparison))
  writeAtomically(join(out, 'significance_tests.csv'), significanceTestsCsv(rows))
  tell(`written to ${out}`)
}
