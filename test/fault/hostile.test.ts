/** Whatever a workload hands over, throws or puts in the place of the runtime's own costs its own trial, and says why. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import { openRun } from '../../harness/record/open-run.ts'
import { describeInThread } from '../../workers/prepare-worker.ts'
import type { ChunkLogLine, TrialResult } from '../../workers/protocol/trial-result.ts'
import { Sandbox, trialsOf } from '../fixtures/cli.ts'
import { NONSENSE } from '../fixtures/nonsense.ts'
import { fixtureResources, trialSpec } from '../fixtures/trial.ts'
import { errorOf, okOf } from '../fixtures/trials.ts'

const FULL = process.env['STINT_FULL'] === '1'
const RUNS = FULL ? 2 : 1

let folder: string
let executor: LocalExecutor
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-hostile-'))
  executor = new LocalExecutor({ temporaryRoot: folder, onOutput: () => {} })
  executor.provide(fixtureResources({ chunk_logs: join(folder, 'chunks') }))
})
afterAll(async () => {
  await executor.close()
  expect(readdirSync(folder).filter((name) => name.startsWith('stint-'))).toEqual([])
  rmSync(folder, { recursive: true })
})

const logOf = (how: string) => join(folder, 'chunks', `${how}.jsonl`)

function run(how: string, deadline_s = 60): Promise<TrialResult> {
  return executor.run(
    trialSpec('hostile', { how }, { trial: how, deadline_s, log_chunks: true, warmup_chunks: 1 }),
  )
}

/** Each by a trial or two; all that follow from a check alone are in `test/unit/execute/untrusted.test.ts`, without processes. */
const FAILURES: [how: string, message: string, full?: 'full'][] = [
  ['metric_function', 'finish(): metrics.a is a function; expected a number or null', 'full'],
  ['metric_bigint', 'finish(): metrics.a is a BigInt; expected a number or null', 'full'],
  ['metric_circle', 'finish(): metrics.a is an object; expected a number or null', 'full'],
  ['metric_own', 'finish(): metrics.wall_s is a metric that Stint measures itself; give it another name'],
  ['info_large', 'info holds texts of more than 16000000 characters', 'full'],
  ['throws_null', 'the workload threw null', 'full'],
  ['throws_message_function', 'the workload threw an error whose message is no text', 'full'],
  ['throws_disk_full', 'cannot write the chunk log'],
  ['throws_getter', 'the workload threw an object'],
  ['rows_half', 'step(): rows is 0.5; expected a whole number, 0 or more', 'full'],
  ['detail_function', 'step().detail.f is a function; expected plain data', 'full'],
  ['inherited_error', 'has added error to Object.prototype, which breaks functions of Node'],
]

describe('a workload', () => {
  it('has metrics that are not finite recorded as unknown, with a note, and may hand over what JSON can say in another form', async () => {
    const { metrics, notes, info } = okOf(await run('not_finite'))
    expect(metrics).toMatchObject({ a: null, b: null, c: null, d: 4 })
    expect(Object.entries(metrics)).toContainEqual(['__proto__', 5])
    expect(notes).toEqual([
      'metric a is NaN, recorded as unknown',
      'metric b is -Infinity, recorded as unknown',
    ])
    expect(info).toEqual({ when: '1970-01-01T00:00:00.000Z', sizes: [1, 2], nan: null })
  })

  it('that sends messages of its own, or removes its folder, leaves the next trial as it is', async () => {
    const lost = await run('writes_everywhere')
    expect(lost.outcome).toBe('crashed')
    // Some of the descriptors belong to the process's own event loop, which may end it first.
    expect(errorOf(lost)!.message).toMatch(/no message into the channel|ended by itself/)
    for (const how of ['posts', 'removes_temporary', 'good']) {
      expect([how, okOf(await run(how)).metrics['a']]).toEqual([how, 1])
    }
  })

  it('that replaces clocks, meters and JSON has its trial measured all the same', async () => {
    for (const how of ['clock', 'to_json', 'inherited_outcome']) {
      const { metrics } = okOf(await run(how))
      for (const name of ['latency_mean_ms', 'latency_p50_ms', 'service_mean_ms', 'startup_ms', 'wall_s'])
        expect(metrics[name], `${how}: ${name}`).toBeGreaterThan(0)
      expect(metrics['latency_mean_ms']! * metrics['chunks']!).toBeCloseTo(metrics['wall_s']! * 1000, 6)
      expect(metrics['cpu_s'], how).toBeLessThan(60)
      const lines = readFileSync(logOf(how), 'utf8').trim().split('\n')
      const [first] = lines.map((line): ChunkLogLine => JSON.parse(line))
      expect([how, lines.length, first!.detail]).toEqual([how, 5, { left: 4, text: 'kept' }])
    }
  })
})

describe('a sweep', () => {
  it('has trials whose workload breaks its contract fail with the value at fault, goes on, and has nothing to resume', async () => {
    const box = new Sandbox()
    const failures = FAILURES.filter(([, , full]) => !full || FULL)
    const sweep = box.sweep({
      workload: 'hostile',
      grid: { 'params.how': ['good', ...failures.map(([how]) => how)] },
      benchmark_runs: RUNS,
      chunk_log: 'all',
    })
    const { code, stderr } = await box.stint('run', sweep, '--out', box.results, '--quiet')
    expect([code, stderr]).toEqual([4, ''])
    const { manifest, trials } = openRun(box.runs()[0]!)
    expect(trials).toHaveLength(RUNS * (1 + failures.length))
    const ways = new Map(manifest.sweep.scenarios.map(({ id, params }) => [id, params['how']]))
    const of = (how: string) => trials.filter(({ scenario }) => ways.get(scenario) === how)
    for (const trial of of('good')) expect(okOf(trial).metrics).toMatchObject({ a: 1, absent: null })
    for (const [how, message] of failures) {
      expect(of(how)).toHaveLength(RUNS)
      for (const trial of of(how)) {
        const error = errorOf(trial)
        expect([how, trial.outcome, error?.message]).toEqual([
          how,
          'failed',
          expect.stringContaining(message),
        ])
        expect(error!.message.length).toBeLessThan(5000)
        expect(trial).not.toHaveProperty('metrics')
      }
    }
    expect((await box.stint('resume', box.runs()[0]!, '--quiet')).stderr).not.toContain('stopped')
    expect(trialsOf(box.runs()[0]!).length).toBe(trials.length)
    box.remove()
  })

  it('is refused, with the entry at fault, where describe() returns nonsense', async () => {
    const box = new Sandbox()
    const nonsense = [
      ...(FULL ? NONSENSE : []),
      [
        "({ name: 'x', params: {}, metrics: { wall_s: {} }, dataset: 'none' })",
        'describe() has a metric wall_s, which Stint measures itself',
      ],
      ['(() => { throw { get message() { throw 1 } } })()', 'the workload threw an object'],
      ["(Object.prototype.toJSON = () => 'gone', { name: 1 })", 'describe().name is 1; expected a text'],
    ]
    for (const [index, [text, message]] of nonsense.entries()) {
      const own = box.write(
        `own${index}.mjs`,
        `export default { describe: () => ${text}, open: () => ({ step: () => null, finish: () => ({ metrics: {} }) }) }\n`,
      )
      const { ok, ...rest } = await executor.prepare({ workload: own, datasets: [], data_dir: folder })
      expect([text, ok, rest]).toEqual([
        text,
        false,
        expect.objectContaining({
          error: expect.objectContaining({ message: expect.stringContaining(message) }),
        }),
      ])
    }
    const absent = { name: 'x', params: {}, metrics: { a: {} }, dataset: 'none' }
    const own = box.write(
      'own.mjs',
      `export default { describe: () => (${JSON.stringify(absent)}), open() {} }\n`,
    )
    expect(await describeInThread({ workload: own, datasets: [], data_dir: folder })).toMatchObject({
      ok: true,
      workload: { metrics: { a: { unit: '', direction: 'neutral', kind: 'measured', description: '' } } },
    })
    box.remove()
  })
})

it('a workload that never answers meets its deadline, although a child of it holds the pipes of its trial', async () => {
  const begun = performance.now()
  const result = await executor.run(trialSpec('misbehave', { how: 'inherits' }, { deadline_s: 1 }))
  expect(result).toMatchObject({ outcome: 'timed_out' })
  // The child sleeps for 40 s.
  expect(performance.now() - begun).toBeLessThan(30_000)
})
