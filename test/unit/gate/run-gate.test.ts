import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runGate } from '../../../harness/gate/run-gate.ts'
import { TimeLimit } from '../../../harness/gate/time-limit.ts'
import { sweepFromData } from '../../../harness/sweep/load.ts'
import type { PrepareResult, PrepareSpec } from '../../../workers/protocol/prepare.ts'
import { FakeExecutor, type TrialChanges } from '../../fixtures/fake-executor.ts'
import { INFO } from './support.ts'

const DATA = 'x,target\n1,2\n'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-gate-test-'))
  writeFileSync(join(folder, 'data.csv'), DATA)
  writeFileSync(join(folder, 'w.mjs'), '')
  mkdirSync(join(folder, 'tree'))
  writeFileSync(join(folder, 'tree', 'w.mjs'), '')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const options = {
  margin: null,
  signal: new AbortController().signal,
  onStep: () => {},
  onProgress: () => {},
}

function gate(
  prepare: (spec: PrepareSpec) => PrepareResult,
  result: TrialChanges | (() => TrialChanges) = {},
  keys: object = {},
) {
  const data = { name: 'w', workload: './w.mjs', dataset: { generate: 'nba2k', rows: 100, seed: 7 }, ...keys }
  const loaded = sweepFromData(data, join(folder, 'sweep.yaml'))
  const root = join(folder, 'tree')
  const modules = {
    baseline: { name: 'main (1a2b3c4)', workload: join(root, 'w.mjs'), root },
    candidate: { name: 'the working copy', workload: join(folder, 'w.mjs') },
  }
  const ends = typeof result === 'function' ? result : () => result
  return runGate(loaded, modules, new FakeExecutor({ prepare, result: ends }), {
    ...options,
    limit: new TimeLimit(1000),
  })
}

const prepared = (spec: PrepareSpec): PrepareResult => ({
  ok: true,
  workload: { ...INFO, dataset: 'required' },
  datasets: spec.datasets.map(() => ({
    path: join(folder, 'data.csv'),
    preset: 'nba2k',
    target: null,
    columns: {},
    rows: 1,
    fingerprint: {
      sha256: createHash('sha256').update(DATA).digest('hex'),
      bytes: 1,
      rows: 1,
      columns: ['x', 'target'],
    },
    ceiling_r2: 0.8,
  })),
  notes: [],
})

it("asks the other version about the candidate's own data", async () => {
  const asked: PrepareSpec[] = []
  await gate((spec) => {
    asked.push(spec)
    return prepared(spec)
  })
  expect(asked.map(({ datasets }) => datasets[0]!.kind)).toEqual(['generate', 'file'])
  expect(asked[1]!.datasets).toEqual([
    { kind: 'file', path: join(folder, 'data.csv'), preset: 'nba2k', target: null, columns: {}, rows: 1 },
  ])
})

it('names files of the other version as the repository does, and says what its work tree lacks', async () => {
  const inTree = join(folder, 'tree', 'model.json')
  const refused = gate((spec) =>
    String(spec.workload).includes(`${sep}tree${sep}`)
      ? { ok: false, error: { message: `no such file: ${inTree}` } }
      : prepared(spec),
  )
  await expect(refused).rejects.toThrow('main (1a2b3c4): no such file: model.json')
  await expect(refused).rejects.toThrow('files that git ignores are not in its work tree')
  const failed = { outcome: 'failed' as const, error: { name: 'Error', message: `no such file: ${inTree}` } }
  const { rows } = await gate(prepared, failed)
  expect(rows[0]!.note).toContain('no such file: model.json')
})

it('says which metrics of the other version the candidate declares no more', async () => {
  const { untested } = await gate((spec) => {
    const found = prepared(spec)
    if (!found.ok || String(spec.workload).includes(`${sep}tree${sep}`)) return found
    return { ...found, workload: { ...found.workload, metrics: {} } }
  })
  expect(untested).toContainEqual({ metric: 'score', why: 'the candidate declares it no more' })
  // Nor could it be told whether more of this one were better.
  expect(untested.map(({ metric }) => metric)).not.toContain('rows_kept')
})

it.each(['w.mjs', 'tree/w.mjs', 'data.csv'])('ends where %s changes while it measures', async (file) => {
  const edited = () => {
    writeFileSync(join(folder, file), 'let edited')
    return {}
  }
  await expect(gate(prepared, edited)).rejects.toThrow(/changed while the gate measured/)
})

it('is refused where all of its trials would write one file', async () => {
  const info = {
    ...INFO,
    dataset: 'required' as const,
    params: { to: { type: 'string' as const, default: null, description: 'a file', writes: true as const } },
  }
  const asked = (to: string) =>
    gate(
      (spec) => ({ ...prepared(spec), workload: info }) as PrepareResult,
      {},
      { params: { to }, benchmark_runs: 1 },
    )
  await expect(asked('out.csv')).rejects.toThrow(/every trial of the gate would write "?out.csv/)
  await asked('{trial}.csv')
})
