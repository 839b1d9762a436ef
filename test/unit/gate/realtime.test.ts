import { expect, it } from 'vitest'
import { decide } from '../../../harness/gate/decide.ts'
import { TimeLimit } from '../../../harness/gate/time-limit.ts'
import { load, problemsOf } from '../sweep/sweep-file.ts'

it('refuses a sweep in real time before anything runs', async () => {
  const text = 'name: a\nmode: realtime\narrival: { rate: 5 }\nduration_s: 5\nworkload: ./w.mjs\n'
  const loaded = load(text, {}, { 'w.mjs': '' })
  const options = {
    margin: null,
    limit: new TimeLimit(1),
    profileTo: null,
    signal: new AbortController().signal,
    onEvent: () => {},
  }
  const start = () => {
    throw new Error('it started')
  }
  const error = await decide(loaded, { baselineRuns: ['x'] }, start, options).catch(
    (thrown: unknown) => thrown,
  )
  const [problem] = problemsOf(() => {
    throw error
  })
  expect(problem!.message).toBe(
    'sweep.yaml:2:7: key "mode": realtime cannot be gated: a gate compares two versions that run as fast as they can',
  )
})
