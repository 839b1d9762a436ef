import { describe, expect, it } from 'vitest'
import { fillSlots } from '../../../harness/execute/schedule.ts'
import { Rounds } from '../../../harness/plan/planner.ts'
import type { PlannedTrial } from '../../../harness/sweep/types.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { collectGarbage } from '../../fixtures/collect-garbage.ts'
import { FakeExecutor } from '../../fixtures/fake-executor.ts'
import { trialSpec } from '../../fixtures/trial.ts'

const plan = (count: number): PlannedTrial[] =>
  Array.from({ length: count }, (_, i) => ({ trial: `t${i}`, scenario: 's', round: i }))
const toSpec = ({ trial, scenario, round }: PlannedTrial) =>
  trialSpec('empty', {}, { trial, scenario, round })

interface Listeners {
  onStart?(trial: PlannedTrial): void
  onResult(result: TrialResult): void
  signal?: AbortSignal
}

function run(trials: PlannedTrial[], executor: FakeExecutor, slots: number, listeners: Listeners) {
  const { onResult, ...rest } = listeners
  return fillSlots({
    planner: new Rounds(trials, null),
    slots,
    run: (trial) => executor.run(toSpec(trial)),
    onEnd: (_, result) => onResult(result),
    close: () => executor.close(),
    ...rest,
  })
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('fillSlots', () => {
  it('starts trials in plan order and journals each before the slot starts its next', async () => {
    const executor = new FakeExecutor()
    const events: string[] = []
    const end = await run(plan(3), executor, 1, {
      onStart: ({ trial }) => void events.push(`start ${trial}`),
      onResult: ({ trial }) => void events.push(`append ${trial}`),
    })
    expect(end).toEqual({ finished: 3, interrupted: false })
    expect(events).toEqual(['t0', 't1', 't2'].flatMap((t) => [`start ${t}`, `append ${t}`]))
    expect(executor.calls).toEqual(['t0', 't1', 't2'].flatMap((t) => [`run ${t}`, `end ${t}`]))
  })

  it('keeps every slot busy and never runs more than that', async () => {
    const executor = new FakeExecutor({
      result: async ({ round }) => {
        // The first trial is slow: the other slot goes on alone.
        for (let i = 0; i < (round === 0 ? 20 : 1); i++) await turn()
        return {}
      },
    })
    const order: string[] = []
    await run(plan(6), executor, 2, { onResult: ({ trial }) => void order.push(trial) })
    expect(executor.mostRunning).toBe(2)
    expect(order.at(-1)).toBe('t0')
    expect(executor.calls.filter((call) => call.startsWith('run'))).toEqual(
      plan(6).map((t) => `run ${t.trial}`),
    )
  })

  it('stops starting at an abort, closes the executor and reports the interruption', async () => {
    const abort = new AbortController()
    const executor = new FakeExecutor({
      result: ({ trial }) => (trial === 't2' ? new Promise(() => {}) : {}),
    })
    const finished: string[] = []
    const running = run(plan(10), executor, 1, {
      signal: abort.signal,
      onStart: ({ trial }) => {
        if (trial === 't2') setImmediate(() => abort.abort())
      },
      onResult: ({ trial }) => void finished.push(trial),
    })
    expect(await running).toEqual({ finished: 2, interrupted: true })
    expect(finished).toEqual(['t0', 't1'])
    expect(executor.calls).toContain('close')
    expect(executor.running).toBe(0)
    expect(executor.calls).not.toContain('run t3')
  })

  it('runs nothing when it was aborted before', async () => {
    const executor = new FakeExecutor()
    const signal = AbortSignal.abort()
    const end = await run(plan(2), executor, 1, { signal, onResult: () => {} })
    expect(end).toEqual({ finished: 0, interrupted: true })
    expect(executor.calls).toEqual([])
  })

  it('stops all slots at the first error of a callback and throws it', async () => {
    const executor = new FakeExecutor({ result: () => turn().then(() => ({})) })
    const full = new Error('no space left on device')
    const running = run(plan(50), executor, 2, {
      onResult: ({ trial }) => {
        if (trial === 't3') throw full
      },
    })
    await expect(running).rejects.toBe(full)
    expect(executor.calls).toContain('close')
    expect(executor.calls.filter((call) => call.startsWith('run')).length).toBeLessThan(10)
  })

  it('holds 10,000 results no longer than their callback', async () => {
    const refs: WeakRef<object>[] = []
    const executor = new FakeExecutor({ result: () => ({ info: { ballast: new Array(1000).fill(0) } }) })
    let handled = 0
    await run(plan(10_000), executor, 4, {
      onResult: (result) => {
        handled++
        if (result.round % 100 === 0) refs.push(new WeakRef(result))
      },
    })
    expect(handled).toBe(10_000)
    await turn()
    collectGarbage()
    const alive = refs.filter((ref) => ref.deref() !== undefined)
    expect(refs.length).toBe(100)
    expect(alive.length).toBeLessThan(10)
  })
})
