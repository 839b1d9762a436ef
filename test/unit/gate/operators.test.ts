import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { operatorTimes } from '../../../harness/gate/operators.ts'
import type { GateRow, GateScenario } from '../../../harness/gate/types.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'operators-test-'))
  mkdirSync(join(folder, 'chunks'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const entries = ['a', 'b'].map((id) => ({ scenario: { id, label: `k=${id}` } }) as unknown as GateScenario)

const row = (scenario: string, worse: number, changes: Partial<GateRow> = {}): GateRow => ({
  ...{ scenario, label: `k=${scenario}`, metric: 'latency_mean_ms', unit: 'ms' },
  ...{ direction: 'lower_is_better', verdict: 'regression', margin: 0.02, baseline: 1, candidate: worse },
  ...{ n: 9, source: 'duets', note: null, outlook: null, ratio: { value: worse, low: worse, high: worse } },
  ...changes,
})

function log(trial: string, steps: Record<string, number>[]): void {
  const numbers = { rows: 10, latency_ms: 1, service_ms: 1, cpu_ms: 1, heap_mb: 1, external_mb: 1 }
  const lines = steps.map((operators_ms, chunk) =>
    JSON.stringify({ chunk, first_row: 10 * chunk, ...numbers, operators_ms }),
  )
  writeFileSync(join(folder, 'chunks', `${trial}.jsonl`), `${lines.join('\n')}\n`)
}

const times = (rows: GateRow[]) =>
  operatorTimes(folder, entries, rows, ({ scenario }, side) => `${scenario.id}-${side}`)

it('gives the times of either version per row, those that grew most first, of the scenario with a regression', () => {
  log('b-baseline', [
    { parse: 1, learn: 2 },
    { parse: 3, learn: 2, old: 1 },
  ])
  log('b-candidate', [
    { parse: 2, learn: 4 },
    { parse: 2, learn: 4, constructor: 0.2 },
  ])
  expect(times([row('a', 1, { verdict: 'ruled_out' }), row('b', 1.5)])).toEqual({
    ...{ scenario: 'b', label: 'k=b' },
    operators: [
      { name: 'learn', baseline_us: 200, candidate_us: 400 },
      { name: 'constructor', baseline_us: null, candidate_us: 10 },
      { name: 'parse', baseline_us: 200, candidate_us: 200 },
      { name: 'old', baseline_us: 50, candidate_us: null },
    ],
  })
})

it('says nothing where nothing takes longer, where the workload has no operators, and where nothing was logged', () => {
  log('a-baseline', [{ parse: 1 }])
  log('a-candidate', [{ parse: 2 }])
  expect(times([row('a', 1, { verdict: 'undecided' })])).toBeNull()
  expect(times([row('a', 2, { metric: 'startup_ms', source: 'pairs' })])).toBeNull()
  expect(times([row('b', 2)])).toBeNull()
  log('b-baseline', [{}])
  log('b-candidate', [{}])
  expect(times([row('b', 2)])).toBeNull()
})
