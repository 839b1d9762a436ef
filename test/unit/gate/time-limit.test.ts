import { expect, it } from 'vitest'
import { TimeLimit } from '../../../harness/gate/time-limit.ts'
import { normalNoise, playGate } from './support.ts'

it('counts from its beginning on, leaves out the work of others, and keeps time for what follows on measuring', async () => {
  let now = 5_000
  const limit = new TimeLimit(60_000, () => now, 4_000)
  expect(limit.leftMs()).toBe(59_000)
  const build = async () => {
    now += 300_000
    throw new Error('no compiler')
  }
  await expect(limit.onTop(build)).rejects.toThrow('no compiler')
  expect(limit.leftMs()).toBe(59_000)
  now += 3_000
  expect(limit.leftMs()).toBe(56_000)
  expect(limit.forMeasuringMs()).toBe(55_000)
  now += 36_000
  expect(limit.forMeasuringMs()).toBe(20_000 - 10_000)
  // However long it took, most of the rest is for measuring.
  now += 15_000
  expect(limit.forMeasuringMs()).toBe(5_000 - 12_000)
})

const noisy = { worse: normalNoise(12, 0.2) }

it('ends a duet that the time is too short for, counts it as none, and ends in time', async () => {
  // The machine becomes busy: the sixth takes a minute.
  const { result, executor } = await playGate({
    ...noisy,
    limitMs: 30_000,
    duetMs: ({ duet }) => (Number(/\d+$/.exec(duet)![0]) < 6 ? 2000 : 60_000),
  })
  expect(result.elapsed_s).toBeLessThanOrEqual(30)
  expect(executor.calls.filter((call) => call.startsWith('duet'))).toHaveLength(6)
  expect(result).toMatchObject({ duets: 5, ended: 'time_limit', verdict: 'undecided' })
  expect(result.rows.find(({ metric }) => metric === 'latency_mean_ms')!.n).toBe(5)
})

it('does not wait for the first duet beyond its time either, and says that there was none', async () => {
  const { result, row } = await playGate({ limitMs: 10_000, duetMs: () => 60_000 })
  expect(result.elapsed_s).toBeLessThanOrEqual(10)
  expect(result.verdict).toBe('undecided')
  expect(row('latency_mean_ms')).toMatchObject({ n: 0, note: 'no duet was played in the time' })
})

it('begins no trial that would not end in time, and plays what still fits instead', async () => {
  const began: number[] = []
  const noise = normalNoise(13, 0.3)
  const { result, executor } = await playGate({
    ...noisy,
    limitMs: 60_000,
    duetMs: () => 13_000,
    trialMs: ({ deadline_s }) => {
      began.push(deadline_s)
      return 2000
    },
    trial: () => ({ metrics: { peak_memory_mb: 20 * Math.exp(noise()), chunks: 100, rows: 1000 } }),
  })
  expect(result.elapsed_s).toBeLessThanOrEqual(60)
  expect(Math.min(...began)).toBeGreaterThanOrEqual(2)
  const last = executor.calls.filter((call) => /^(run|duet)/.test(call)).at(-1)
  expect(last).toMatch(/^run/)
})

it('keeps time for the trials that follow the measuring', async () => {
  const { result } = await playGate({ ...noisy, limitMs: 30_000, trialMs: () => 3000, keptPairs: 1 })
  expect(result.elapsed_s).toBeLessThanOrEqual(24)
  expect(result.elapsed_s).toBeGreaterThan(15)
})

it('says that the time was up where reading the data took all of it', async () => {
  const { result, row, executor } = await playGate({ limitMs: -5 })
  expect(result).toMatchObject({ verdict: 'undecided', ended: 'time_limit', trials: 0 })
  expect(row('outcome')).toMatchObject({ cut: 'before' })
  expect(executor.calls.filter((call) => call !== 'close')).toEqual([])
})
