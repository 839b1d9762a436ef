import { describe, expect, it } from 'vitest'
import { fitToWorkload } from '../../../harness/sweep/params.ts'
import type { Sweep } from '../../../harness/sweep/types.ts'
import { infoFor } from '../../../workers/pipeline/describe.ts'
import type { WorkloadInfo } from '../../../workers/workload.ts'
import { load, problemsOf, refusals } from './sweep-file.ts'

const info: WorkloadInfo = {
  name: 'toy',
  dataset: 'optional',
  accuracy: 'r2',
  params: {
    learner: { type: 'string', default: 'ridge', values: ['ridge', 'sgd'], description: 'how it learns' },
    depth: { type: 'integer', default: 3, minimum: 1, maximum: 9, description: 'how deep' },
    rate: { type: 'number', default: null, minimum: 0, description: 'how fast' },
    clip: { type: 'boolean', default: true, description: 'whether it clips' },
  },
  metrics: { r2: { unit: '', direction: 'higher_is_better', kind: 'deterministic', description: 'R2' } },
}

function fitted(text: string, about: WorkloadInfo = info, set: string[] = []): Sweep {
  const { sweep, locate } = load(text, { set })
  return fitToWorkload(sweep, about, locate)
}
const refused = (text: string, about = info, set: string[] = []): string[] =>
  problemsOf(() => fitted(text, about, set)).map(({ message }) => message)

describe('a file that a workload says its trials write', () => {
  const writes = { type: 'string', default: null, writes: true, description: 'where to' } as const
  const writer: WorkloadInfo = { ...info, params: { log: writes, copy: writes } }
  const one = 'name: a\nbenchmark_runs: 1\n'

  it('is refused to several trials, however the path is spelt', () => {
    fitted(`${one}params: { log: a.txt, copy: b.txt }\n`, writer)
    fitted('name: a\nbenchmark_runs: 3\nparams: { log: "{trial}.txt" }\n', writer)
    expect(refused(`${one}params: { log: a.txt, copy: ./a.txt }\n`, writer)).toHaveLength(1)
    expect(refused(`${one}grid: { params.log: [a.txt, ./a.txt] }\n`, writer)[0]).toMatch(
      /:3:\d+: key "grid\.params\.log\[0\]": 2 trials would write "a\.txt"/,
    )
    expect(refused('name: a\nbenchmark_runs: 3\nparams: { log: a.txt }\n', writer)[0]).toMatch(
      /3 trials would write/,
    )
  })
})

describe('a sweep held against its workload', () => {
  it('gets the defaults filled in, ids as they were', () => {
    const text = 'name: a\ngrid: { params.learner: [sgd, ridge] }\n'
    const sweep = fitted(text)
    expect(sweep.scenarios.map(({ params }) => params)).toEqual([
      { learner: 'sgd', depth: 3, rate: null, clip: true },
      { learner: 'ridge', depth: 3, rate: null, clip: true },
    ])
    expect(sweep.scenarios[0]!.point).toMatchObject({
      'params.learner': 'sgd',
      'params.depth': 3,
      'params.rate': null,
    })
    expect(sweep.scenarios.map(({ id }) => id)).toEqual(load(text).sweep.scenarios.map(({ id }) => id))
  })

  it.each([
    [
      'params: { lerner: sgd }',
      'sweep.yaml:2:19: key "params.lerner": unknown parameter of workload "toy"; did you mean "learner"?',
    ],
    [
      'grid: { params.learner: [sgd, rigde] }',
      'sweep.yaml:2:31: key "grid.params.learner[1]": got "rigde", expected one of ridge, sgd; did you mean "ridge"?',
    ],
    [
      'params: { depth: 0 }',
      'sweep.yaml:2:18: key "params.depth": got 0, expected a whole number, 1 or more, 9 or less',
    ],
    [
      'params: { depth: 2.5 }',
      'sweep.yaml:2:18: key "params.depth": got 2.5, expected a whole number, 1 or more, 9 or less',
    ],
    [
      'params: { depth: "3" }',
      'sweep.yaml:2:18: key "params.depth": got "3", expected a whole number, 1 or more, 9 or less',
    ],
    [
      'params: { depth: null }',
      'sweep.yaml:2:18: key "params.depth": got null, expected a whole number, 1 or more, 9 or less',
    ],
    [
      'include: [{ params.rate: fast }]',
      'sweep.yaml:2:26: key "include[0].params.rate": got "fast", expected a number, 0 or more, or null',
    ],
    ['params: { clip: 1 }', 'sweep.yaml:2:17: key "params.clip": got 1, expected true or false'],
    [
      'compare: { metrics: [r2, latency_p50] }',
      'sweep.yaml:2:26: key "compare.metrics[1]": no metric called "latency_p50"; did you mean "latency_p50_ms"?',
    ],
    [
      'goal: { maximize: r3 }',
      'sweep.yaml:2:19: key "goal.maximize": no metric called "r3"; did you mean "r2"?',
    ],
    [
      'goal: { subject_to: [r2 >= 0, peak_memory <= 64] }',
      'sweep.yaml:2:31: key "goal.subject_to[1]": no metric called "peak_memory"; did you mean "peak_memory_mb"?',
    ],
  ])('refuses %s', (line, message) => {
    expect(refused(`name: a\n${line}\n`)).toEqual([message])
  })

  it('reports all at once and names overrides', () => {
    expect(refused('name: a\nparams: { depth: 0, clip: no }\n', info, ['params.learner=x'])).toEqual([
      expect.stringContaining('key "params.depth"'),
      expect.stringContaining('key "params.clip"'),
      '--set params.learner=x: key "params.learner": got "x", expected one of ridge, sgd',
    ])
  })

  it('needs a dataset where the workload does, and none where it takes none', () => {
    const having = 'name: a\ndataset: { generate: nba2k, rows: 5 }\n'
    expect(refused('name: a\n', { ...info, dataset: 'required' })).toEqual([
      'sweep.yaml:1:1: key "dataset": workload "toy" needs a dataset',
    ])
    expect(refused(having, { ...info, dataset: 'none' })).toEqual([
      'sweep.yaml:2:10: key "dataset": workload "toy" takes no dataset',
    ])
    expect(fitted(having, { ...info, dataset: 'required' }).scenarios).toHaveLength(1)
  })

  it('compares the accuracy too, unless the sweep names its metrics', () => {
    expect(fitted('name: a\n').compare.metrics).toEqual([
      'latency_p50_ms',
      'latency_mean_ms',
      'throughput_rows_s',
      'peak_memory_mb',
      'r2',
    ])
    expect(fitted('name: a\ncompare: { metrics: [wall_s] }\n').compare.metrics).toEqual(['wall_s'])
  })
})

describe("the pipeline's own parameters at the top of a sweep", () => {
  const pipeline = infoFor([])
  const DATA = 'dataset: { generate: nba2k, rows: 5 }\n'

  it('are one quantity, whichever way they are written', () => {
    const written = [
      'spill_to_disk: true',
      'params: { spill_to_disk: true }',
      'grid: { spill_to_disk: [true] }',
      'grid: { params.spill_to_disk: [true] }',
      'include: [{ spill_to_disk: true }]',
    ].map((line) => fitted(`name: a\n${line}\n${DATA}`, pipeline))
    for (const sweep of written) {
      expect(sweep.scenarios[0]!.params).toMatchObject({ spill_to_disk: true, max_chunk_retries: 3 })
      expect(sweep.scenarios[0]!.point).toMatchObject({ spill_to_disk: true, max_chunk_retries: 3 })
      expect(Object.keys(sweep.scenarios[0]!.point)).not.toContain('params.spill_to_disk')
    }
    expect(new Set(written.map(({ scenarios }) => scenarios[0]!.id)).size).toBe(1)
  })

  it.each([
    ['spill_to_disk: 1', 'sweep.yaml:2:16: key "spill_to_disk": got 1, expected true or false'],
    [
      'params: { max_chunk_retries: 31 }',
      'sweep.yaml:2:30: key "max_chunk_retries": got 31, expected a whole number, 0 or more, 30 or less',
    ],
    [
      'grid: { target_latency_ms: [5, 0] }',
      'sweep.yaml:2:32: key "grid.target_latency_ms[1]": got 0, expected a number, 0.001 or more, or null',
    ],
  ])('are held against what the pipeline says: %s', (line, message) => {
    expect(refused(`name: a\n${line}\n${DATA}`, pipeline)).toEqual([message])
  })

  it('are refused twice, and for another workload', () => {
    expect(refusals('name: a\nspill_to_disk: true\nparams: { spill_to_disk: false }\n')).toEqual([
      'sweep.yaml:3:11: key "params.spill_to_disk": is given as "spill_to_disk" as well',
    ])
    const own = 'name: a\nworkload: ./w.mjs\ngrid: { spill_to_disk: [true] }\n'
    expect(refusals(own, {}, { 'w.mjs': '' })).toEqual([
      'sweep.yaml:3:9: key "grid.spill_to_disk": is a parameter of the built-in pipeline',
    ])
  })

  it('come from a profile for the pipeline only', () => {
    const files = { 'w.mjs': '', 'board.yaml': 'description: a board\nchunk_size: 2\nspill_to_disk: true\n' }
    const paramsOf = (workload: string) =>
      load(`name: a\n${workload}profiles: [./board.yaml]\n`, {}, files).sweep.scenarios[0]!.params
    expect(paramsOf('')).toEqual({ spill_to_disk: true })
    expect(paramsOf('workload: ./w.mjs\n')).toEqual({})
  })
})

describe('settings that once held for a whole run', () => {
  it('may be axes, and change ids only there', () => {
    const plain = load('name: a\n').sweep.scenarios[0]!.id
    expect(load('name: a\ntimeout_s: 5\npin_core: 1\nmemory_scope: process\n').sweep.scenarios[0]!.id).toBe(
      plain,
    )
    const { scenarios } = load('name: a\ngrid: { memory_scope: [workload, process] }\n').sweep
    expect(scenarios.map(({ settings }) => settings.memory_scope)).toEqual(['workload', 'process'])
    expect(scenarios.map(({ id }) => id === plain)).toEqual([true, false])
  })
})
