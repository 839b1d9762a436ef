/** What a trial process sent, held against the coordinator's own clock. */
import { describe, expect, it } from 'vitest'
import { receiveDuet, receivePrepared, receiveReport } from '../../../harness/execute/local/receive.ts'
import { LATENCY_SHARES, NO_NOISE_READINGS } from '../../../workers/protocol/trial-result.ts'

const SPAN = { from: 1000, to: 9000 }

/** 100 chunks of 20 ms: 2 s within a trial of 8 s. */
const HONEST = {
  outcome: 'ok',
  metrics: { latency_mean_ms: 20, chunks: 100, wall_s: 2, cpu_s: 1.9, rows: 100, mine: -4 },
  budget_mb: 16,
  peak_mb: 4,
  achieved: 0.95,
  throttled_ms: null,
  window: { from: 3000, to: 5000 },
  energy: { joules: null, source: null },
  machine_busy_ms: 2100,
  noise: {
    ...NO_NOISE_READINGS,
    run_queue_wait_share: 0,
    involuntary_context_switches: 3,
    load_1m: 1,
    frequency_change: -0.1,
  },
}

const received = (changes: Record<string, unknown>) => receiveReport({ ...HONEST, ...changes }, SPAN)
const measured = (metrics: Record<string, unknown>) =>
  received({ metrics: { ...HONEST.metrics, ...metrics } })

describe('a report', () => {
  it('that is one comes through as it is', () => {
    expect(receiveReport(JSON.parse(JSON.stringify(HONEST)), SPAN)).toEqual(HONEST)
  })

  it('may leave time between steps where they wait for arrivals, and no more than there is', () => {
    const waiting = {
      ...HONEST,
      metrics: { ...HONEST.metrics, latency_mean_ms: 1, backlog_slope_rows_s: -3 },
    }
    expect(receiveReport(waiting, SPAN, true)).toEqual(waiting)
    expect(receiveReport(waiting, SPAN).error?.message).toContain('add up to 100.0 ms')
    const more = { ...waiting, metrics: { ...waiting.metrics, latency_mean_ms: 40 } }
    expect(receiveReport(more, SPAN, true).error?.message).toContain('add up to 4000.0 ms')
  })

  it('of an open loop brings the distribution of event latency', () => {
    const event_latency_ms = LATENCY_SHARES.map((share) => 10 * share)
    expect(received({ event_latency_ms })).toEqual({ ...HONEST, event_latency_ms })
  })

  it.each([
    [
      'a window longer than the whole trial',
      received({ window: { from: 1000, to: 60_000 } }),
      'took 59.000 s',
    ],
    [
      'a window before the trial',
      received({ window: { from: -3000, to: -1000 } }),
      'do not lie within the 8.000 s',
    ],
    ['a window that ends before it begins', received({ window: { from: 5000, to: 3000 } }), 'took -2.000 s'],
    ['a negative latency', measured({ latency_mean_ms: -29.5 }), 'its latency_mean_ms is -29.5'],
    [
      'latencies beyond their window',
      measured({ latency_mean_ms: 40 }),
      'add up to 4000.0 ms in a window of 2000.0',
    ],
    ['latencies short of it', measured({ latency_mean_ms: 0.001 }), 'add up to 0.1 ms'],
    ['more CPU time than there are cores', measured({ cpu_s: 1e6 }), 'its CPU time is 1000000.000 s'],
    ['no window', received({ window: null }), 'no timed window'],
  ])('with %s is that of a failed trial, with the reason', (_, report, reason) => {
    expect(report.outcome).toBe('failed')
    expect(report.error).toEqual({ name: 'ClockError', message: expect.stringContaining(reason) })
    expect([report.metrics, report.achieved, report.window]).toEqual([{}, null, null])
  })

  it.each([
    ['null', receiveReport(null, SPAN), 'the report is null; expected an object'],
    ['a text', receiveReport('ok', SPAN), 'the report is the text "ok"'],
    [
      'an unknown outcome',
      received({ outcome: 'great' }),
      'outcome is the text "great"; expected ok, out_of_memory',
    ],
    ['metrics of another kind', measured({ mine: 'x' }), 'metrics.mine is the text "x"'],
    ['a negative share', received({ achieved: -1 }), 'achieved is -1; expected 0 or more'],
    ['noise that is none', received({ noise: { steal_share: {} } }), 'noise.steal_share is an object'],
    ['a distribution of another length', received({ event_latency_ms: [1, 2] }), 'has 2 values; expected'],
    [
      'a distribution that falls',
      received({ event_latency_ms: LATENCY_SHARES.map((share) => 1 - share) }),
      'does not rise',
    ],
    ['info without end', received({ info: { x: 'x'.repeat(20_000_000) } }), 'info holds texts of more than'],
  ])('that is %s is that of a failed trial', (_, report, reason) => {
    expect([report.outcome, report.error?.message]).toEqual(['failed', expect.stringContaining(reason)])
  })

  it('keeps an error that is none of the usual within bounds', () => {
    const { error } = received({ outcome: 'crashed', error: { name: 5, message: 'x'.repeat(1e6) } })
    expect(error!.name).toBe('Error')
    expect(error!.message.length).toBeLessThanOrEqual(4000)
  })
})

it('a duet and a description are checked as well', () => {
  const tails = { p50_ms: 300, p95_ms: 310, p99_ms: 320, max_ms: 330 }
  const sums = { latency_ms: 3000, ...tails, rows: 10, cpu_ms: null }
  const duet = {
    pairs: 10,
    sums: { baseline: sums, candidate: sums },
    chunks: { baseline: 10, candidate: 10 },
    profile: { baseline: [1500, 1500], candidate: [1500, 1500] },
    outputs: null,
    complete: true,
  }
  expect(receiveDuet(duet, SPAN)).toMatchObject({ ...duet, failure: null })
  expect(
    receiveDuet({ ...duet, sums: { baseline: sums, candidate: { ...sums, latency_ms: 6000 } } }, SPAN),
  ).toMatchObject({
    sums: null,
    failure: { error: { message: 'the steps of a duet that took 8.000 s add up to 9.000 s' } },
  })
  expect(receiveDuet({ pairs: -1 }, SPAN)).toMatchObject({
    sums: null,
    failure: { outcome: 'failed', error: { message: 'pairs is -1; expected a whole number, 0 or more' } },
  })
  expect(receivePrepared('gone', 'w.mjs')).toMatchObject({ ok: false })
  expect(receivePrepared({ ok: true, workload: { name: {} } }, 'w.mjs')).toEqual({
    ok: false,
    error: { message: 'preparing w.mjs failed: describe().name is an object; expected a text' },
  })
})
