import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { pipelineOptions } from '../../../../harness/pipeline/options.ts'
import { openRun } from '../../../../harness/record/open-run.ts'
import { readPipelineData } from '../../../../harness/report/pipeline/data.ts'
import { csvText } from '../../../../harness/report/render/csv.ts'
import { pipelineReport } from '../../../../harness/report/sections/pipeline.ts'
import type { OkTrial, TrialResult } from '../../../../workers/protocol/trial-result.ts'
import { okOf } from '../../../fixtures/trials.ts'
import { markdownOf } from '../rendered.ts'

const RECORDED = fileURLToPath(new URL('../../../fixtures/run-folders/format-1/pipeline', import.meta.url))
const options = pipelineOptions({}, null, null, 4)

/** The report of a recorded run whose trials were changed first, and its empty columns as `file: column`. */
function reportOf(change: (trial: OkTrial) => TrialResult) {
  const run = openRun(RECORDED)
  const report = pipelineReport(
    readPipelineData({ ...run, trials: run.trials.map((trial) => change(okOf(trial))) }),
    options,
  )
  const empty = (report.tables ?? []).flatMap(({ file, columns }) => {
    if (columns.every(([, values]) => values.length === 0)) return [file]
    const blank = columns.filter(([name, values]) => /^"*\n?"*$/.test(textOf(name, values)))
    return blank.map(([name]) => `${file}: ${name}`)
  })
  const reasons = (report.data as { not_measured: Record<string, string> }).not_measured
  return { report, empty, reasons }
}

/** The cells of a column as a CSV has them. */
function textOf(name: string, values: Parameters<typeof csvText>[0]['columns'][0][1]): string {
  return csvText({ columns: [[name, values]] })
    .split('\n')
    .slice(1)
    .join('')
}

const noShare = (trial: OkTrial): OkTrial => ({
  ...trial,
  caps: { ...trial.caps, compute: { ...trial.caps.compute, achieved: null } },
})

describe('a column that is empty from top to bottom', () => {
  it.each<[string, (trial: OkTrial) => TrialResult]>([
    ['as recorded', (trial) => trial],
    ['where no trial was long enough for its share of a core', noShare],
    ['where the trials have no metric at all', (trial) => ({ ...trial, metrics: {} })],
    ['where the trials say nothing of themselves', (trial) => ({ ...noShare(trial), metrics: {}, info: {} })],
    [
      'where no trial was ok',
      ({ metrics, energy, info, ...trial }) =>
        ({
          ...trial,
          outcome: 'crashed',
          error: { name: 'Error', message: 'ended' },
        }) as unknown as TrialResult,
    ],
  ])('says why, %s', (_, change) => {
    const { report, empty, reasons } = reportOf(change)
    expect(empty).not.toEqual([])
    for (const column of empty) expect(reasons[column], column).toMatch(/\w{2,} \w{2,}/)
    // And no other is named.
    const tables = Object.keys(reasons).filter((column) => !column.includes('.jsonl'))
    expect(tables.sort()).toEqual(empty.sort())
    const page = markdownOf(report)
    for (const reason of Object.values(reasons)) expect(page).toContain(reason)
  })

  it('names the clock where every trial was too short for it', () => {
    expect(reportOf((trial) => trial).empty).not.toContain(
      'benchmarks/constraint_experiment.csv: compute_achieved',
    )
    const { reasons } = reportOf(noShare)
    for (const file of ['constraint_experiment', 'throughput_vs_memory'])
      expect(reasons[`benchmarks/${file}.csv: compute_achieved`]).toMatch(
        /too short to tell which share of a core/,
      )
  })
})
