/** Whatever ends, no process, temporary folder or cgroup of a run outlives its coordinator. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import { fillSlots } from '../../harness/execute/schedule.ts'
import { removeLeftovers } from '../../harness/ownership/leftovers.ts'
import { Rounds } from '../../harness/plan/planner.ts'
import { groups } from '../fixtures/running.ts'
import { fixtureResources, trialSpec } from '../fixtures/trial.ts'

const FULL = process.env['STINT_FULL'] === '1'

interface Found {
  pid: number
  command: string
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-fault-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Processes that inherited this test's mark, or live in its folder. */
function marked(): Found[] {
  const found: Found[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').includes(folder)) continue
      // A zombie waits for its parent to take note; it runs no more.
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${name}/status`, 'latin1'))) continue
      const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ')
      found.push({ pid: Number(name), command })
    } catch {
      // It ended meanwhile, or belongs to another user.
    }
  }
  return found
}

function files(): string[] {
  return readdirSync(folder, { recursive: true }).map(String)
}

/** Groups below the mounted CPU controller that this process owned. */
function groupsOf(pid: number): string[] {
  return groups().filter((path) => new RegExp(`/stint-${pid}-\\d+-\\d+$`).test(path))
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (condition()) return
    await sleep(25)
  }
  throw new Error(`waited 10 s for: ${what}; running: ${JSON.stringify(marked())}; files: ${files()}`)
}

function startCoordinator(mechanism: string, detached = false, how = 'loops', timeoutS = 60): ChildProcess {
  const script = fileURLToPath(new URL('../fixtures/coordinator.mjs', import.meta.url))
  return spawn(process.execPath, [script, how, '0.5', mechanism, String(timeoutS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
    detached,
  })
}

describe.skipIf(process.platform !== 'linux')('a coordinator that is', () => {
  // By the best mechanism the next test does so as well.
  it.each(FULL ? ['best', 'duty_cycle'] : ['duty_cycle'])(
    'killed takes a busy host with it (%s)',
    async (mechanism) => {
      const coordinator = startCoordinator(mechanism)
      const ended = new Promise((resolve) => coordinator.once('exit', resolve))
      await until(() => files().some((name) => name.endsWith('started')), 'a looping workload')
      const supervisor = marked().find(({ command }) => command.includes('supervisor.js'))!
      expect(marked().length).toBe(3)
      coordinator.kill('SIGKILL')
      await ended
      await until(() => marked().length === 0, 'the end of all processes')
      expect(files()).toEqual([])
      expect(groupsOf(supervisor.pid)).toEqual([])
    },
  )

  it('killed is cleared up after by its supervisor, although another run ends strays meanwhile', async () => {
    const coordinator = startCoordinator('best')
    const ended = new Promise((resolve) => coordinator.once('exit', resolve))
    await until(() => files().some((name) => name.endsWith('started')), 'a looping workload')
    const supervisor = marked().find(({ command }) => command.includes('supervisor.js'))!
    // As on a busy machine, where it gets no core for a while.
    process.kill(supervisor.pid, 'SIGSTOP')
    coordinator.kill('SIGKILL')
    await ended
    const elsewhere = mkdtempSync(join(tmpdir(), 'stint-elsewhere-'))
    try {
      removeLeftovers(elsewhere)
    } finally {
      rmSync(elsewhere, { recursive: true, force: true })
    }
    await until(() => marked().length === 0, 'the end of all processes')
    expect(files()).toEqual([])
    expect(groupsOf(supervisor.pid)).toEqual([])
  })

  it('stopped by a workload goes on at the deadline of its trial', async () => {
    // In a session without a terminal, as in a service or CI.
    const coordinator = startCoordinator('best', true, 'stops_parent', 2)
    let stdout = ''
    coordinator.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    const closed = new Promise<number | null>((resolve) => coordinator.once('close', resolve))
    // As it goes on it finds what the trial had sent, or that it was late.
    expect([await closed, stdout]).toEqual([0, expect.stringMatching(/^(?:ok|timed_out)\n$/)])
    expect(marked()).toEqual([])
    expect(files()).toEqual([])
  })

  it('interrupted from the terminal decides itself what ends', async () => {
    // The signal goes to the whole group, as Ctrl-C does.
    const coordinator = startCoordinator('best', true)
    let stdout = ''
    coordinator.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    const closed = new Promise<number | null>((resolve) => coordinator.once('close', resolve))
    await until(() => files().some((name) => name.endsWith('started')), 'a looping workload')
    process.kill(-coordinator.pid!, 'SIGINT')
    expect([await closed, stdout]).toEqual([0, 'the executor is closed\n'])
    expect(marked()).toEqual([])
    expect(files()).toEqual([])
  })
})

describe.skipIf(process.platform !== 'linux')('an executor', () => {
  /** The supervisor's environment does not name the folder, unlike the trial processes'. */
  const options = () => {
    process.env['STINT_TEST_MARK'] = folder
    return { temporaryRoot: folder, onOutput: () => {} }
  }
  afterEach(() => {
    delete process.env['STINT_TEST_MARK']
  })

  it('leaves no process when a plan is aborted in the middle of two trials', async () => {
    const executor = new LocalExecutor(options())
    executor.provide(fixtureResources())
    const abort = new AbortController()
    const results: string[] = []
    const plan = [0, 1, 2, 3].map((round) => ({ trial: `t${round}`, scenario: 's', round }))
    const running = fillSlots({
      planner: new Rounds(plan, null),
      slots: 2,
      run: ({ trial }) => executor.run(trialSpec('misbehave', { how: 'loops' }, { trial, compute: 0.5 })),
      onEnd: ({ trial }) => void results.push(trial),
      close: () => executor.close(),
      signal: abort.signal,
    })
    await until(
      () => files().filter((name) => name.endsWith('started')).length === 2,
      'two looping workloads',
    )
    abort.abort()
    expect(await running).toEqual({ finished: 0, interrupted: true })
    expect(results).toEqual([])
    expect(marked()).toEqual([])
    expect(files()).toEqual([])
    await executor.close()
    await expect(executor.run(trialSpec('empty'))).rejects.toThrow('closed')
  })

  it('is broken without its supervisor, says so, and still leaves nothing', async () => {
    const executor = new LocalExecutor(options())
    executor.provide(fixtureResources())
    const running = executor.run(trialSpec('misbehave', { how: 'inherits' }))
    const rejected = expect(running).rejects.toThrow('supervisor')
    await until(() => marked().some(({ command }) => command.startsWith('sleep 40')), "a workload's child")
    const supervisor = marked().find(({ command }) => command.includes('supervisor.js'))!
    process.kill(supervisor.pid, 'SIGKILL')
    await rejected
    await expect(executor.run(trialSpec('empty'))).rejects.toThrow('supervisor')
    await executor.close()
    expect(marked()).toEqual([])
    expect(files()).toEqual([])
  })

  it('ends a process that hangs as it starts at the deadline of its trial, which runs in another', async () => {
    const executor = new LocalExecutor(options())
    executor.provide(fixtureResources())
    await executor.capabilities()
    const trials = () => marked().filter(({ command }) => !command.includes('supervisor.js'))
    const first = executor.run(trialSpec('empty', {}, { trial: 'first' }))
    await until(() => trials().length > 0, 'the first process')
    const next = trialSpec('empty', {}, { trial: 'next', deadline_s: 2 })
    executor.expect([next])
    await first
    await until(() => trials().length > 0, 'a process that is started ahead')
    for (const { pid } of trials()) process.kill(pid, 'SIGSTOP')
    expect((await executor.run(next)).outcome).toBe('ok')
    await executor.close()
    expect(marked()).toEqual([])
  })

  it('clears its cgroups after trials that were killed', async () => {
    const executor = new LocalExecutor(options())
    executor.provide(fixtureResources())
    await executor.capabilities()
    const supervisor = marked().find(({ command }) => command.includes('supervisor.js'))!
    // One that the supervisor ends, and those that end themselves.
    for (const how of ['loops', ...(FULL ? ['exits'] : []), 'kills_itself']) {
      await executor.run(trialSpec('misbehave', { how }, { compute: 0.5, deadline_s: 1 }))
    }
    expect(groupsOf(supervisor.pid)).toEqual([])
    await executor.close()
    expect(groupsOf(supervisor.pid)).toEqual([])
  })
})
