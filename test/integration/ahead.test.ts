/** Processes that are started for trials to come: what they may not change, and that none stays. Linux only. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { TrialSpec } from '../../workers/protocol/trial-spec.ts'
import { fixtureResources, trialSpec } from '../fixtures/trial.ts'
import { okOf } from '../fixtures/trials.ts'

interface Seen {
  pid: number
  /** Processes of trials that its own parent had started when its steps began. */
  beside: number[]
  /** How many more there were when they had ended. */
  came: number
  /** CPU time of the busiest of them during its steps. */
  used_ms: number
}

let folder: string
let executor: LocalExecutor

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  executor = new LocalExecutor({ temporaryRoot: folder })
  executor.provide(fixtureResources())
})
afterAll(async () => {
  await executor.close()
  rmSync(folder, { recursive: true })
})

/** Runs them one after the other, as a run does. */
async function inOrder(specs: readonly TrialSpec[]): Promise<TrialResult[]> {
  const results: TrialResult[] = []
  for (const [index, spec] of specs.entries()) {
    executor.expect(specs.slice(index + 1))
    results.push(await executor.run(spec))
  }
  return results
}

const seenBy = (result: TrialResult) => okOf(result).info as unknown as Seen
const siblings = (trial: string, memory?: number) =>
  trialSpec('siblings', {}, { trial, ...(memory !== undefined && { memory }) })

async function gone(pids: readonly number[]): Promise<void> {
  for (let i = 0; i < 200 && pids.some((pid) => existsSync(`/proc/${pid}`)); i++) await sleep(25)
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
}

// On one core none is started beside another, and where memory is short none at all.
const able = process.platform === 'linux' && availableParallelism() > 1 && freemem() > 2 ** 31
describe.skipIf(!able)('a process for a later trial', () => {
  it('is used once, has the memory cap of its trial, rests while another one is timed, and does not outlive the last trial', async () => {
    const caps = [32, 96, 32]
    const results = await inOrder(caps.map((cap, i) => siblings(`a${i}`, cap)))
    expect(results.map(({ caps }) => caps.memory.in_force_mb)).toEqual(caps)
    const seen = results.map(seenBy)
    const pids = seen.map(({ pid }) => pid)
    expect(new Set(pids).size).toBe(3)
    expect(seen.map(({ came, used_ms }) => [came, used_ms])).toEqual(seen.map(() => [0, 0]))
    // The second trial's stood beside the first, whose last finds none beside it.
    expect(seen[0]!.beside).toContain(pids[1])
    expect(seen[2]!.beside).toEqual([])
    await gone(pids)
  })

  it('is replaced where it has died, and ends with a trial that nothing follows after all', async () => {
    executor.expect([siblings('c2'), siblings('c3')])
    const { beside } = seenBy(await executor.run(siblings('c1')))
    for (const pid of beside) process.kill(pid, 'SIGKILL')
    const second = seenBy(await executor.run(siblings('c2')))
    expect(beside).not.toContain(second.pid)
    executor.expect([])
    const { beside: last } = seenBy(await executor.run(siblings('c4')))
    await gone([...second.beside, ...last])
  })
})
