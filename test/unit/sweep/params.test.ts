import { describe, expect, it } from 'vitest'
import { fitToWorkload } from '../../../harness/sweep/params.ts'
import type { Sweep } from '../../../harness/sweep/types.ts'
import type { WorkloadInfo } from '../../../workers/contract.ts'
import { load, problemsOf } from './sweep-file.ts'

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

describe('a sweep held against its workload', () => {
  it('gets the defaults filled in, ids as they were', () => {
    const text = 'name: a\ngrid: { params.learner: [sgd, ridge] }\n'
    const sweep = fitted(text)
    expect(sweep.scenarios.map(({ params }) => params)).toEqual([
      { learner: 'sgd', depth: 3, rate: null, clip: true },
      { learner: 'ridge', depth: 3, rate: null, clip: true },
    ])
    expect(sweep.scenarios[0]!.flat).toMatchObject({
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
