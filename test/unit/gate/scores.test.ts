/** How a gate holds scores that may be zero or negative to their margin. */
import { describe, expect, it } from 'vitest'
import { marginOf } from '../../../harness/gate/margins.ts'
import { scoreRow } from '../../../harness/gate/outcomes.ts'
import { METRICS, trialsOf } from '../analyse/make-trials.ts'

const settings = {
  margins: {},
  metrics: null,
  expect: [],
  accept: [],
  alpha: 0.05,
  build: null,
  install: null,
}

function rowOf(a: number, b: number) {
  const metric = METRICS.get('r2_signed')!
  return scoreRow({ scenario: 's', label: 's' }, metric, marginOf(metric, settings, null), {
    baseline: trialsOf('s', 'r2_signed', [a, a]),
    candidate: trialsOf('s', 'r2_signed', [b, b]),
  })
}

describe('a gate of R2', () => {
  it.each([
    [0.004, 0.001, 'ruled_out'],
    [-0.5, -0.505, 'ruled_out'],
    [0.8, 0.791, 'ruled_out'],
    [0.8, 0.789, 'regression'],
    [0.6, -7.32, 'regression'],
    [0, -0.011, 'regression'],
    [-0.5, 0.3, 'ruled_out'],
  ])('from %d to %d: %s, by an amount of 0.01 and without a ratio', (a, b, verdict) => {
    expect(rowOf(a, b)).toMatchObject({ verdict, ratio: null, margin: 0.01, marginAmount: 0.01 })
  })
})
