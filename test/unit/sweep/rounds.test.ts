import { describe, expect, it } from 'vitest'
import { fitToWorkload } from '../../../harness/sweep/params.ts'
import { load, problemsOf, refusals } from './sweep-file.ts'

const UNTIL = 'until: { metric: latency_mean_ms, ci: 2% }'
const range = (text: string) => `name: a\nbenchmark_runs: { ${text} }\n`

describe('benchmark_runs', () => {
  it('is a number of trials, or a range that a precision ends', () => {
    expect(load('name: a\nbenchmark_runs: 7\n').sweep).toMatchObject({ benchmark_runs: 7 })
    expect(load('name: a\nbenchmark_runs: 7\n').sweep.until).toBeNull()
    for (const ci of ['2%', '0.02']) {
      const text = range(`min: 5, max: 40, until: { metric: latency_mean_ms, ci: ${ci} }`)
      expect(load(text).sweep).toMatchObject({
        benchmark_runs: 40,
        until: { min: 5, metric: 'latency_mean_ms', ci: 0.02 },
      })
    }
  })

  it('is a number again with --runs, and a range with --set', () => {
    const asked = load(range(`min: 5, max: 40, ${UNTIL}`), { runs: 3 }).sweep
    expect([asked.benchmark_runs, asked.until]).toEqual([3, null])
    const set = load('name: a\n', { set: [`benchmark_runs={ min: 2, max: 9, ${UNTIL} }`] }).sweep
    expect(set).toMatchObject({ benchmark_runs: 9, until: { min: 2 } })
  })

  it.each([
    [`min: 5, ${UNTIL}`, 'key "benchmark_runs.max": missing, expected a whole number, 2 to 999'],
    [`min: 1, max: 4, ${UNTIL}`, 'key "benchmark_runs.min": got 1, expected a whole number, 2 to 999'],
    [`min: 5, max: 1000, ${UNTIL}`, 'key "benchmark_runs.max": got 1000, expected a whole number, 2 to 999'],
    [`min: 9, max: 4, ${UNTIL}`, 'key "benchmark_runs.max": got 4, expected more than min, which is 9'],
    [`min: 4, max: 4, ${UNTIL}`, 'key "benchmark_runs.max": got 4, expected more than min, which is 4'],
    ['min: 5, max: 9', 'key "benchmark_runs.until": missing, expected a mapping, such as { metric:'],
    ['min: 5, max: 9, until: 2%', 'key "benchmark_runs.until": got "2%", expected a mapping, such as'],
    ['min: 5, max: 9, until: { metric: r2, ci: 0 }', 'got 0, expected a share above 0 and below 1'],
    ['min: 5, max: 9, until: { metric: r2, ci: 100% }', 'got "100%", expected a share above 0 and below 1'],
    ['min: 5, max: 9, until: { ci: 2% }', 'key "benchmark_runs.until.metric": missing, expected the name'],
    [`min: 5, mix: 9, max: 9, ${UNTIL}`, 'key "benchmark_runs.mix": unknown key; did you mean "min"?'],
    [
      'min: 5, max: 9, until: { metrics: r2, metric: r2, ci: 2% }',
      'key "benchmark_runs.until.metrics": unknown key; did you mean "metric"?',
    ],
  ])('refuses { %s }', (text, says) => {
    const messages = refusals(range(text))
    expect(messages).toEqual([expect.stringContaining(says)])
    expect(messages[0]).toMatch(/^sweep\.yaml:2:\d+: /)
  })

  it('says how a part of it is overridden', () => {
    const [problem] = problemsOf(() => load('name: a\n', { set: ['benchmark_runs.max=4'] }))
    expect(problem!.hint).toContain('benchmark_runs: { max: ... }')
  })

  it('names a metric that the workload or the harness knows', () => {
    const text = `name: a\nbenchmark_runs:\n  min: 5\n  max: 9\n  until:\n    metric: latency_men_ms\n    ci: 2%\n`
    const info = { name: 'toy', params: {}, metrics: {}, dataset: 'optional' as const }
    const { sweep, locate } = load(text)
    const [problem] = problemsOf(() => fitToWorkload(sweep, info, locate))
    expect(problem!.message).toBe(
      'sweep.yaml:6:13: key "benchmark_runs.until.metric": no metric called "latency_men_ms"; did you mean "latency_mean_ms"?',
    )
  })
})
