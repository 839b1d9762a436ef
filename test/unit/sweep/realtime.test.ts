import { describe, expect, it } from 'vitest'
import { trialSpec } from '../../../harness/execute/trial-spec.ts'
import type { Scenario } from '../../../harness/sweep/types.ts'
import { load, problemsOf, refusals } from './sweep-file.ts'

const whole = `name: a
mode: realtime
arrival: { rate: 500, pattern: bursts, duty: 0.1, factor: 5, period_ms: 200 }
duration_s: 20
max_wait_ms: 5
deadline_ms: 50
queue: { limit_rows: 100, when_full: drop_oldest }
dataset: { generate: nba2k, rows: 10 }
`
const specOf = (scenario: Scenario, round = 1) =>
  trialSpec(scenario, {
    round,
    workload: { kind: 'builtin', name: 'pipeline', sha256: '' },
    params: {},
    data: null,
  })

describe('a realtime sweep', () => {
  it('asks for an open loop, whose workload does not know of it', () => {
    const [scenario] = load(whole).sweep.scenarios
    const spec = specOf(scenario!)
    expect(spec.settings.mode).toBe('streaming')
    expect(spec.driver).toEqual({
      kind: 'open',
      through: null,
      arrival: { pattern: 'bursts', rate: 500, duty: 0.1, factor: 5, period_ms: 200 },
      seed: 2 ** 32 + 42,
      duration_s: 20,
      max_wait_ms: 5,
      deadline_ms: 50,
      queue: { limit_rows: 100, when_full: 'drop_oldest' },
      label_delay_ms: 0,
    })
    expect(specOf(scenario!, 2).driver).toMatchObject({ seed: 2 * 2 ** 32 + 42 })
  })

  it('takes each of its settings as an axis', () => {
    const axes = {
      'arrival.rate': [500, 1000],
      'arrival.pattern': ['bursts', 'poisson'],
      'arrival.duty': [0.1, 0.2],
      'arrival.factor': [2, 5],
      'arrival.period_ms': [200, 500],
      duration_s: [10, 20],
      max_wait_ms: [0, 5],
      deadline_ms: [20, 50],
      'queue.limit_rows': [10, 100],
      'queue.when_full': ['block', 'drop_newest'],
      label_delay_ms: [0, 100],
    }
    for (const [key, values] of Object.entries(axes)) {
      const { sweep } = load(`${whole}grid: { ${key}: ${JSON.stringify(values)} }\n`)
      expect(sweep.scenarios.map(({ point }) => point[key])).toEqual(values)
      expect(new Set(sweep.scenarios.map(({ id }) => id)).size).toBe(2)
    }
    const trace =
      'name: a\nmode: realtime\ndataset: { source: d.csv, target: y }\narrival: { pattern: trace }\n'
    const { sweep } = load(
      `${trace}grid: { arrival.column: [t, u], arrival.speed: [1, 10] }\n`,
      {},
      { 'd.csv': 't,u,y\n1,1,1\n' },
    )
    expect(sweep.scenarios.map((scenario) => specOf(scenario).driver)).toMatchObject([
      { arrival: { pattern: 'trace', column: 't', speed: 1 } },
      { arrival: { pattern: 'trace', column: 't', speed: 10 } },
      { arrival: { pattern: 'trace', column: 'u', speed: 1 } },
      { arrival: { pattern: 'trace', column: 'u', speed: 10 } },
    ])
  })

  it('takes overrides of one key and of a whole mapping', () => {
    const rateOf = (set: string[]) =>
      load(`${whole}grid: { arrival.rate: [1, 2] }\n`, { set }).sweep.scenarios.map(
        ({ settings }) => settings['arrival.rate'],
      )
    expect(rateOf(['arrival.rate=700'])).toEqual([700])
    expect(rateOf(['arrival={ rate: 800 }'])).toEqual([800])
    expect(rateOf(['grid.arrival.rate=[3, 4]'])).toEqual([3, 4])
  })

  it('may stand beside other modes in one grid', () => {
    const text = whole.replace('mode: realtime\n', 'grid: { mode: [streaming, realtime] }\n')
    expect(load(text).sweep.scenarios.map((scenario) => specOf(scenario).driver.kind)).toEqual([
      'closed',
      'open',
    ])
  })

  const realtime = 'mode: realtime, dataset: { generate: nba2k, rows: 10 }'
  it.each([
    ['mode: realtime, duration_s: 5', 'key "arrival.rate": is missing in mode: realtime'],
    [
      `${realtime}, arrival: { rate: 0 }`,
      'key "arrival.rate": got 0, expected a number of events per second, 0.001 to 10000000',
    ],
    [`${realtime}, arrival: { rte: 5 }`, 'key "arrival.rte": unknown key; did you mean "rate"?'],
    [`${realtime}, arrival: 5`, 'key "arrival": got 5, expected a mapping of rate, pattern, duty'],
    ['deadline_ms: 50', 'key "deadline_ms": goes with mode: realtime'],
    ['grid: { arrival.rate: [5] }', 'key "grid.arrival.rate[0]": goes with mode: realtime'],
    [
      `${realtime}, arrival: { rate: 5, factor: 9 }`,
      'key "arrival.factor": goes with mode: realtime and arrival.pattern: bursts',
    ],
    [
      `${realtime}, arrival: { rate: 5, pattern: bursts, factor: 9 }`,
      'key "arrival.factor": got 9, expected at most 5, which is 1 / arrival.duty',
    ],
    [
      `${realtime}, arrival: { pattern: trace }`,
      'key "arrival.column": is missing, and a trace needs a column of times',
    ],
    [
      `${realtime}, arrival: { pattern: trace, column: t, rate: 5 }`,
      'key "arrival.rate": goes with mode: realtime and a pattern other than trace',
    ],
    [
      'mode: realtime, duration_s: 5, arrival: { pattern: trace, column: t }',
      'key "arrival.pattern": trace takes its times from the data, and there is none',
    ],
    [
      `${realtime}, arrival: { rate: 5 }, queue: { when_full: drop_newest }`,
      'key "queue.limit_rows": is missing, and drop_newest needs to know',
    ],
    ['mode: realtime, arrival: { rate: 5 }', 'key "duration_s": is missing, and without a dataset'],
    [
      `${realtime}, arrival: { rate: 5 }, duration_s: 120`,
      'key "duration_s": got 120, which timeout_s 120 cuts off',
    ],
    [
      `${realtime}, arrival: { rate: 5 }, label_delay_ms: 5, params: { label_delay: 5 }`,
      'key "label_delay_ms": is given beside params.label_delay',
    ],
    [
      'workload: ./w.mjs, mode: realtime, duration_s: 5, arrival: { rate: 5 }, label_delay_ms: 5',
      'key "label_delay_ms": goes with the built-in pipeline',
    ],
  ])('refuses %s', (keys, says) => {
    const messages = refusals(`{ name: a, ${keys} }`, {}, { 'w.mjs': '' })
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(`: ${says}`)
    expect(messages[0]).toMatch(/^sweep\.yaml:1:\d+: /)
  })

  it('says what a key of a mapping means', () => {
    const [problem] = problemsOf(() => load('name: a\nmode: realtime\narrival: { rate: 0 }\n'))
    expect(problem!.hint).toBe('arrival.rate: realtime: events per second, on average (default null)')
    const [elsewhere] = problemsOf(() => load('name: a\narrival.rate: 5\n'))
    expect(elsewhere!.hint).toBe('write it as a key of `arrival`: arrival: { rate: ... }')
  })
})
