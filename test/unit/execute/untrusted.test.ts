/** What a workload hands over, checked where its own thread takes it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { MemoryCheck, readWorkerMemory } from '../../../workers/caps/memory.ts'
import { ClosedLoop } from '../../../workers/drive/closed.ts'
import { loadWorkload, openWorkload } from '../../../workers/load-workload.ts'
import { MeasuredRun } from '../../../workers/measured-run.ts'
import { type CheckedOutput, checkedDescription, trialErrorFrom } from '../../../workers/untrusted.ts'
import { NONSENSE } from '../../fixtures/nonsense.ts'
import { trialSpec, workloadFile } from '../../fixtures/trial.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-untrusted-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const FAILURES: [how: string, message: string][] = [
  ['metric_function', 'finish(): metrics.a is a function; expected a number or null'],
  ['metric_symbol', 'finish(): metrics.a is a symbol; expected a number or null'],
  ['metric_bigint', 'finish(): metrics.a is a BigInt; expected a number or null'],
  ['metric_circle', 'finish(): metrics.a is an object; expected a number or null'],
  ['metric_text', 'finish(): metrics.a is the text "five"; expected a number or null'],
  ['metrics_list', 'its metrics is a list'],
  ['metrics_many', 'finish(): metrics has 1001 entries; at most 1000 are kept'],
  ['nothing', 'finish() must return { metrics: { name: number | null } }; it returned null'],
  ['text', 'it returned the text "done"'],
  ['info_function', 'info.at.f is a function; expected plain data'],
  ['info_map', 'info.sizes is a Map; give it as an object or a list'],
  ['info_circle', 'info.itself is an object that it lies within'],
  ['info_deep', 'lies more than 32 levels deep'],
  ['info_large', 'info holds texts of more than 16000000 characters'],
  ['throws_null', 'the workload threw null'],
  ['throws_text', 'the workload threw the text "no reason"'],
  ['throws_message_function', 'the workload threw an error whose message is no text'],
  ['throws_getter', 'the workload threw an object'],
  ['throws_long', 'xxx... (10000000 characters)'],
  ['rows_infinite', 'step(): rows is Infinity; expected a whole number, 0 or more'],
  ['rows_huge', 'step(): rows is 1e+308; expected a whole number, 0 or more'],
  ['rows_half', 'step(): rows is 0.5; expected a whole number, 0 or more'],
  ['rows_negative', 'step(): rows is -1; expected a whole number, 0 or more'],
  ['rows_nan', 'step(): rows is NaN; expected a whole number, 0 or more'],
  ['rows_missing', 'step(): rows is undefined; expected a whole number, 0 or more'],
  ['step_text', 'it returned the text "one row"'],
  ['step_undefined', 'or null when the data is used up; it returned undefined'],
  ['step_getter', 'not today'],
  ['bytes_text', 'step(): bytes is the text "many"; expected a number, 0 or more'],
  ['bytes_negative', 'step(): bytes is -1; expected a number, 0 or more'],
  ['operators_text', 'step(): operators_ms.read is the text "slow"; expected a number of ms, 0 or more'],
  ['operators_negative', 'step(): operators_ms.read is -1; expected a number of ms, 0 or more'],
  ['operators_list', 'step(): operators_ms is a list; expected an object'],
  ['detail_text', 'step(): detail is the text "a drift"; expected an object'],
  ['detail_function', 'step().detail.f is a function; expected plain data'],
  ['detail_circle', 'step().detail.itself.itself is an object that it lies within'],
  ['detail_large', 'step() holds texts of more than 16000000 characters'],
]

/** Steps the workload to its end as a worker does. */
async function run(how: string): Promise<CheckedOutput> {
  const { workload } = await loadWorkload(workloadFile('hostile'))
  const { params, settings } = trialSpec('hostile', { how })
  const limits = { memory_mb: null, compute_units: null }
  const open = await openWorkload(workload, { params, settings, limits, dataset: null, warmup: false })
  const log = join(folder, `${how}.jsonl`)
  const measured = new MeasuredRun(open, new MemoryCheck(readWorkerMemory(), null, () => {}), log)
  try {
    await measured.drive(new ClosedLoop(1))
    return await measured.finish()
  } finally {
    await measured.close()
    expect(existsSync(log)).toBe(true)
  }
}

describe('a workload that breaks its contract', () => {
  it.each(FAILURES)('%s: %s', async (how, message) => {
    const error = await run(how).then(
      () => null,
      (thrown: unknown) => trialErrorFrom(thrown),
    )
    expect(error?.message).toContain(message)
    expect(error!.message.length).toBeLessThanOrEqual(4000)
  })

  it.each(NONSENSE)('describes itself as %s', (code, message) => {
    const description = new Function(`return ${code}`)()
    expect(() => checkedDescription(description)).toThrow(message)
  })

  it('declares a metric as the baseline of another', () => {
    const { metrics } = checkedDescription({
      name: 'x',
      params: {},
      metrics: { a: {}, b: { baseline_of: 'a' }, c: { baseline_of: null } },
      dataset: 'none',
    })
    expect(metrics['b']).toMatchObject({ baseline_of: 'a' })
    expect(metrics['c']).not.toHaveProperty('baseline_of')
  })

  it('keeps what is plain, and says what is not finite', async () => {
    expect(await run('not_finite')).toEqual({
      metrics: { a: null, b: null, c: null, d: 4, ['__proto__']: 5 },
      notes: ['metric a is NaN, recorded as unknown', 'metric b is -Infinity, recorded as unknown'],
      info: { when: '1970-01-01T00:00:00.000Z', sizes: [1, 2], nan: null },
    })
  })
})
