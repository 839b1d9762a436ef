/** Trials under arrivals, through the public command. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChunkLogLine, OkTrial } from '../../workers/protocol/trial-result.ts'
import { closeHere, refusedHere } from '../fixtures/check-here.ts'
import { type CliEnd, Sandbox, trialsOf } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'

let box: Sandbox
const stint = (...words: string[]): Promise<CliEnd> => box.stint(...words)
const NO_SKIP =
  'export default { open: () => ({ step: ({ rows }) => ({ rows }), finish: () => ({ metrics: {} }) }) }'
const TIMES = ['2026-01-01 10:00:00', '2026-01-01 10:00:01', '2026-01-01 10:00:00.5', '2026-01-01 10:00:03']

beforeAll(() => {
  box = new Sandbox()
  box.write('w.mjs', NO_SKIP)
  const rows = Array.from({ length: 400 }, (_, i) => `${i / 1000},${i % 7},${(i * i) % 5}`)
  box.write('data.csv', `at,x,y\n${rows.join('\n')}\n`)
  box.write('gap.csv', 'at,x,y\n1,1,2\n,2,3\n3,3,4\n')
  box.write('back.csv', `at,x,y\n${TIMES.map((time, i) => `${time},${i},${i}`).join('\n')}\n`)
})
afterAll(async () => {
  await closeHere()
  box.remove()
})

describe('a trial under arrivals', () => {
  it('plays a trace, loses no event, and comes to the bits of the closed loop', {
    timeout: 120_000,
  }, async () => {
    const path = box.write(
      'sweep.yaml',
      `name: live
dataset: { source: data.csv, target: y, columns: { at: number } }
batch_size: 16
warmup_chunks: 1
params: { learner: ridge }
arrival: { pattern: trace, column: at, speed: 2 }
deadline_ms: 2000
benchmark_runs: 1
grid: { mode: [streaming, realtime] }
`,
    )
    const { code, stdout, stderr } = await stint('run', path, '--quiet')
    expect([code, stderr]).toEqual([0, ''])
    const run = stdout.trim().split('\n').at(-1)!
    const trials = trialsOf(run) as OkTrial[]
    const live = trials.find(({ metrics }) => metrics['arrived_events'] !== undefined)!
    const closed = trials.find((trial) => trial !== live)!
    expect(live.metrics['r2']).toBe(closed.metrics['r2'])
    expect(live.info['events_through']).toBe('in process')
    expect(live.metrics).toMatchObject({
      rows: 400,
      arrived_events: 400,
      answered_share: 1,
      shed_events: 0,
      waiting_events: 0,
      event_loop_delay_max_ms: null,
    })
    // 400 events at 1,000 a second, twice as fast.
    expect(live.metrics['offered_rows_s']).toBeCloseTo(2000, 0)
    expect(live.metrics['wall_s']).toBeGreaterThan(0.19)
    const { event_latency_p50_ms: p50, event_latency_max_ms: max, event_wait_mean_ms: wait } = live.metrics
    expect(p50!).toBeLessThanOrEqual(max!)
    expect(wait!).toBeGreaterThan(0)
    const log = readFileSync(join(run, 'chunks', `${live.trial}.jsonl`), 'utf8')
    const chunks = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ChunkLogLine)
    expect(chunks.reduce((sum, { rows }) => sum + rows, 0)).toBe(400)
    for (const { start_ms, arrived_ms } of chunks) expect(start_ms!).toBeGreaterThanOrEqual(arrived_ms!)
    expect(chunks[0]!.backlog_rows).toBeGreaterThan(0)
    expect(chunks.some(({ slow }) => slow === true)).toBe(true)
  })

  const refusals: [what: string, keys: string, says: string][] = [
    [
      'a policy that the workload cannot do',
      'workload: ./w.mjs, duration_s: 5, arrival: { rate: 5 }, queue: { limit_rows: 5, when_full: drop_newest }',
      'key "queue.when_full": drop_newest gives up events, and workload w has no skip(rows)',
    ],
    [
      'a trace that runs backwards',
      'dataset: { source: back.csv, target: y }, arrival: { pattern: trace, column: at }',
      'back.csv:4: column "at": data row 3: the time is 500 ms before that of the row above',
    ],
    [
      'a trace that lacks a time',
      'dataset: { source: gap.csv, target: y }, arrival: { pattern: trace, column: at }',
      'gap.csv:3: column "at": data row 2: the time is missing, and a trace needs one for each event; fill it in or leave the row out',
    ],
    [
      'a trace of a column that is not there',
      'dataset: { source: back.csv, target: y }, arrival: { pattern: trace, column: when }',
      'key "arrival.column": the data has no column "when". Columns: at, x, y',
    ],
  ]
  // The command is tried with the first, which opens the workload.
  const tried = refusals.map(([what, keys, says], at) => [what, keys, says, FULL || at === 0] as const)
  it.each(tried)(
    'is refused %s before any starts',
    { timeout: 120_000 },
    async (_, keys, says, byCommand) => {
      const path = box.write('bad.yaml', `{ name: bad, mode: realtime, ${keys} }`)
      if (!byCommand) return expect(await refusedHere(box.folder, path)).toContain(says)
      const { code, stdout, stderr } = await stint('run', path)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain(says)
    },
  )
})
