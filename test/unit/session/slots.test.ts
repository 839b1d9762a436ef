import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { slotsOf } from '../../../harness/session/plan.ts'
import { loadSearch } from '../../../harness/sweep/load.ts'
import type { MetricInfo } from '../../../workers/workload.ts'
import { folderWith } from '../sweep/sweep-file.ts'

const metric = (kind: MetricInfo['kind']): MetricInfo => ({
  unit: '',
  direction: 'higher_is_better',
  kind,
  description: '',
})
const INFO = { metrics: { r2: metric('deterministic'), skill: metric('measured') } }
const MACHINE = { cores: 4, free_mb: 1000 }

function slots(keys: Record<string, unknown>, axis = 'max_memory_mb', machine = MACHINE): number {
  const folder = folderWith({})
  const file = join(folder, 'sweep.yaml')
  const sweep = { name: 's', workload: 'pipeline', dataset: { generate: 'nba2k', rows: 100 } }
  writeFileSync(file, JSON.stringify({ ...sweep, goal: { subject_to: ['r2 >= 0.5'] }, ...keys }))
  const range = axis === 'max_memory_mb' ? { low: 8, high: 64 } : { low: 16, high: 256 }
  const asked = { axis, best: 'min' as const, over: null, resolution: 0.05, trials: 20, param: null, range }
  return slotsOf(loadSearch(file, asked).sweep, INFO, machine)
}

describe('a search that is not told how many trials may run at once', () => {
  it('uses the cores where nothing of its goal takes time, up to as many as a test may want', () => {
    expect(slots({})).toBe(4)
    expect(slots({}, undefined, { ...MACHINE, cores: 64 })).toBe(5)
    expect(slots({}, undefined, { ...MACHINE, cores: 1.9 })).toBe(1)
  })

  it('leaves half of the free memory', () => {
    expect(slots({}, undefined, { cores: 4, free_mb: 256 })).toBe(2)
    expect(slots({}, undefined, { cores: 4, free_mb: 100 })).toBe(1)
  })

  it.each([
    ['a bound on a time', { goal: { subject_to: ['r2 >= 0.5', 'latency_p99_ms <= 20'] } }],
    ['a bound on what varies', { goal: { subject_to: ['skill >= 0.5'] } }],
    ['n_jobs of its own', { n_jobs: 1 }],
    ['arrivals', { mode: 'realtime', arrival: { rate: 10 }, duration_s: 1 }],
  ])('runs one at a time with %s', (_, keys) => {
    expect(slots(keys)).toBe(1)
  })

  it('runs one at a time where no cap bounds what each takes, and as many as the sweep says', () => {
    expect(slots({}, 'chunk_size')).toBe(1)
    expect(slots({ n_jobs: 3 })).toBe(3)
  })
})
