import { expect, test } from 'vitest'
import { labelWords, settingLabel } from '../../../harness/report/words.ts'
import { scenarioLabel } from '../../../harness/sweep/identity.ts'
import type { Scalar } from '../../../workers/workload.ts'

test('a label is told in the words that its settings have everywhere', () => {
  const points: Record<string, Scalar>[] = [
    { chunk_size: 64 },
    { chunk_size: 64, max_compute_units: 1, max_memory_mb: null },
    { machine: 'pi4', profile: 'edge', max_compute_units: 0.25 },
    { 'arrival.rate': 500, deadline_ms: 20, 'dataset.rows': 2000, random_seed: 7 },
    { 'params.learner': 'ridge', 'params.the name, of it': 'a b', batch_size: 8 },
    { 'dataset.columns.unit price': 'number', 'dataset.missing': '["NA","n a"]', mode: 'batch' },
    { 'dataset.source': 'nats://host:4222/x?a=b', adaptive_chunk_resize: true },
    { 'params.note': 'a batch_size=8', batch_size: 16 },
    { 'params.note': '"quoted" params.x=1', 'params.end': '"', chunk_size: 8 },
    { 'params.note': 'back\\slash " of=it', chunk_size: 8 },
  ]
  for (const point of points) {
    const axes = Object.keys(point)
    const words = axes.map((key) => settingLabel(key, point[key])).join(', ')
    expect(labelWords(scenarioLabel(point, axes, 'edge'))).toBe(words)
  }
})

test('a label of an older file, whose values are never in quotes, is told as it was', () => {
  expect(labelWords('params.note="as is" and more chunk_size=8')).toBe('note "as is" and more, chunk 8')
  expect(labelWords('params.note="\\x" chunk_size=8')).toBe('note "\\x", chunk 8')
})

test('a name that holds no setting stays', () => {
  for (const name of ['edge-vs-server', 'all seeds', 'the only scenario', ''])
    expect(labelWords(name)).toBe(name)
})
