/** Run folders of format 1 say what they said when they were written. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openRun } from '../../../harness/record/open-run.ts'
import { buildReportModel } from '../../../harness/report/model.ts'

const FOLDERS = fileURLToPath(new URL('../../fixtures/run-folders/format-1/', import.meta.url))

interface Numbers {
  trials: unknown
  scenarios: {
    id: string
    trials: number
    outcomes: unknown
    achieved: number | null
    peak_mb: number | null
    metrics: Record<string, number[] | null>
  }[]
  comparisons: Record<string, unknown>[]
}

describe.each(['sweep', 'pipeline'])('the run folder "%s" of format 1', (name) => {
  const expected: Numbers = JSON.parse(readFileSync(`${FOLDERS}${name}.numbers.json`, 'utf8'))
  const { manifest, trials, notes } = openRun(`${FOLDERS}${name}`)
  const model = buildReportModel(manifest, trials)

  it('has the same trials', () => {
    expect(notes).toEqual([])
    expect(model.trials).toEqual(expected.trials)
  })

  it('has the same means and intervals', () => {
    const found = model.scenarios.map(({ id, trials, outcomes, compute, memory, metrics }) => ({
      id,
      trials,
      outcomes,
      achieved: compute.achieved?.value ?? null,
      peak_mb: memory.peak?.value ?? null,
      metrics: Object.fromEntries(
        Object.keys(expected.scenarios[0]!.metrics).map((metric) => {
          const mean = metrics[metric]
          return [metric, mean ? [mean.n, mean.value, mean.low, mean.high] : null]
        }),
      ),
    }))
    expect(found).toEqual(expected.scenarios)
  })

  it('has the same comparisons, but for latencies of chunks that differ in size and ratios of scores', () => {
    const columns = Object.keys(expected.comparisons[0] ?? {})
    const found = model.comparisons.map((row) =>
      Object.fromEntries(
        columns.map((column) => [column, (row as unknown as Numbers['comparisons'][0])[column]]),
      ),
    )
    const meansOf = (id: unknown) => expected.scenarios.find((scenario) => scenario.id === id)!.metrics
    const mean = (id: unknown, metric: string) => meansOf(id)[metric]![1]!
    const rowsPerChunk = (id: unknown) => mean(id, 'rows') / mean(id, 'chunks')
    const differ = ({ a, b }: Record<string, unknown>) =>
      meansOf(b)['rows'] != null && Math.abs(Math.log(rowsPerChunk(b) / rowsPerChunk(a))) > 0.1
    const isOfChunks = (row: Record<string, unknown>) => /^latency_.*_ms$/.test(String(row['metric']))
    const perRow = found.filter(({ metric }) => metric === 'latency_per_row_us')
    // R2 may be negative: only its difference says anything.
    const withoutRatio = (row: Record<string, unknown>) =>
      row['metric'] === 'r2' ? { ...row, ratio: null } : row
    // Exponentials and logarithms of another Node may differ in their last bit.
    const digits = (rows: unknown) =>
      JSON.parse(
        JSON.stringify(rows, (_, value) =>
          typeof value === 'number' ? Number(value.toPrecision(15)) : value,
        ),
      )
    expect(digits(found.filter((row) => !perRow.includes(row)).map(withoutRatio))).toEqual(
      digits(expected.comparisons.filter((row) => !(isOfChunks(row) && differ(row))).map(withoutRatio)),
    )
    const pairsThatDiffer = expected.comparisons.filter(
      (row) => row['metric'] === 'latency_p50_ms' && differ(row),
    )
    expect(perRow.map(({ a, b, mean_a, mean_b }) => ({ a, b, mean_a, mean_b }))).toEqual(
      pairsThatDiffer.map(({ a, b }) => ({
        a,
        b,
        mean_a: mean(a, 'latency_per_row_us'),
        mean_b: mean(b, 'latency_per_row_us'),
      })),
    )
    expect(perRow.length).toBeGreaterThan(0)
  })
})

it('knows the baselines of a pipeline that did not declare them', () => {
  const { metrics } = openRun(`${FOLDERS}pipeline`).manifest.workload
  expect(metrics['r2_mean_baseline']).toMatchObject({ baseline_of: 'r2', direction: 'neutral' })
  expect(metrics['r2']).not.toHaveProperty('baseline_of')
})
