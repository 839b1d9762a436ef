/** Whatever a workload does under a 64 MB cap, it ends as the right outcome, near its cap, and the sweep goes on. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import { fillSlots } from '../../harness/execute/schedule.ts'
import { Rounds } from '../../harness/plan/planner.ts'
import type { Outcome, TrialResult } from '../../workers/protocol/trial-result.ts'
import type { TrialSpec } from '../../workers/protocol/trial-spec.ts'
import { groups, running } from '../fixtures/running.ts'
import { fixtureResources, trialSpec } from '../fixtures/trial.ts'
import { errorOf } from '../fixtures/trials.ts'

const CAP_MB = 64
/** In the command line of all that a workload starts. */
const MARKER = `stint-adversary-${process.pid}`
/** Peak above an idle worker beyond the cap. */
const MOST_OVER_MB = 40
const MOST_OVER_SLOW_MB = 16
/** A busy machine delays the supervisor's readings: what passed its limit is tried so often again, alone. */
const MORE_TRIES = 2
const FULL = process.env['STINT_FULL'] === '1'

/** Workload file and way, how it must end, and whether it grows by 0.5 MB a ms or slower. */
const ADVERSARIES: [file: string, how: string, outcome: Outcome, slow?: 'slow'][] = [
  ['allocate', 'objects', 'out_of_memory'],
  ['allocate', 'strings', 'out_of_memory'],
  ['allocate', 'arrays', 'out_of_memory'],
  ['allocate', 'doubling', 'out_of_memory'],
  ['allocate', 'awaits', 'out_of_memory'],
  ['allocate', 'map', 'out_of_memory'],
  ['allocate', 'huge_array', 'out_of_memory'],
  ['allocate', 'buffers', 'out_of_memory'],
  ['allocate', 'typed_arrays', 'out_of_memory'],
  ['adversary', 'slow_growth', 'out_of_memory', 'slow'],
  ['adversary', 'wasm_memory', 'out_of_memory'],
  ['adversary', 'string_flattening', 'out_of_memory'],
  ['adversary', 'regex_blowup', 'timed_out', 'slow'],
  ['adversary', 'shared_buffers', 'out_of_memory'],
  ['adversary', 'zlib_streams', 'out_of_memory'],
  ['adversary', 'zlib_bomb', 'out_of_memory'],
  ['adversary', 'nested_workers', 'out_of_memory'],
  ['adversary', 'timers', 'out_of_memory'],
  ['adversary', 'message_to_parent', 'out_of_memory'],
  ['adversary', 'message_without_touching', 'out_of_memory'],
  ['adversary', 'functions', 'out_of_memory'],
  ['adversary', 'rejections', 'out_of_memory'],
  ['adversary', 'rejection', 'failed', 'slow'],
  ['adversary', 'deep_recursion', 'failed'],
  ['adversary', 'loop', 'timed_out', 'slow'],
  ['adversary', 'exit', 'crashed', 'slow'],
  // Node refuses it to a thread by an error; a native module's abort comes as the signal.
  ['adversary', 'abort', 'failed', 'slow'],
  ['adversary', 'abort_by_signal', 'crashed', 'slow'],
  ['adversary', 'handles', 'ok', 'slow'],
  ['hostile', 'metric_function', 'failed', 'slow'],
  ['hostile', 'metric_bigint', 'failed', 'slow'],
  ['hostile', 'metric_circle', 'failed', 'slow'],
  ['hostile', 'throws_null', 'failed', 'slow'],
  ['hostile', 'throws_getter', 'failed', 'slow'],
  ['hostile', 'inherited_outcome', 'ok', 'slow'],
  ['hostile', 'never', 'timed_out', 'slow'],
  ['hostile', 'clock', 'ok', 'slow'],
  ['hostile', 'to_json', 'ok', 'slow'],
  ['hostile', 'posts', 'ok', 'slow'],
  ['hostile', 'removes_temporary', 'ok', 'slow'],
  ['hostile', 'writes_everywhere', 'crashed', 'slow'],
  ['children', 'left', 'ok', 'slow'],
  // Its child has neither a parent nor an environment.
  ['children', 'orphan', 'ok', 'slow'],
  ['children', 'inherits', 'ok', 'slow'],
  ['children', 'eats', 'out_of_memory'],
]

interface Setting {
  name: string
  /** Variables of the supervisor. */
  environment: Record<string, string>
  compute?: number
  /** Trials at a time; 2 where it is not said. */
  slots?: number
  /** A share of a core makes everything take longer. */
  timeout_s: number
  adversaries: typeof ADVERSARIES
}

/** Alike to others of these, or tried elsewhere: by hostile.test.ts, children.test.ts and integration/execute.test.ts. */
const ELSEWHERE = [
  ...['strings', 'arrays', 'doubling', 'awaits', 'map', 'typed_arrays', 'left', 'orphan', 'inherits'],
  ...[
    'string_flattening',
    'regex_blowup',
    'zlib_bomb',
    'timers',
    'rejections',
    'abort_by_signal',
    'functions',
  ],
  ...['huge_array', 'shared_buffers', 'message_to_parent', 'eats', 'loop', 'exit'],
]

const SHORT: Setting[] = [
  {
    name: 'by all that works here',
    environment: {},
    timeout_s: 1,
    adversaries: ADVERSARIES.filter(([file, how]) => file !== 'hostile' && !ELSEWHERE.includes(how)),
  },
  {
    name: 'without cgroups',
    environment: { STINT_MEMORY_BACKSTOP: 'none', STINT_COMPUTE_MECHANISM: 'duty_cycle' },
    timeout_s: 1,
    adversaries: ADVERSARIES.filter(([, how]) => ['buffers', 'slow_growth', 'nested_workers'].includes(how)),
  },
]
const LONG: Setting[] = [
  { ...SHORT[0]!, name: 'all by all that works here', adversaries: ADVERSARIES },
  { ...SHORT[0]!, name: 'one at a time', slots: 1, adversaries: ADVERSARIES },
  { ...SHORT[1]!, name: 'one at a time without cgroups', slots: 1, adversaries: ADVERSARIES },
  { ...SHORT[1]!, name: 'all without cgroups', adversaries: ADVERSARIES },
  { name: 'at a quarter of a core', environment: {}, compute: 0.25, timeout_s: 20, adversaries: ADVERSARIES },
  {
    ...SHORT[1]!,
    name: 'at a quarter of a core without cgroups',
    compute: 0.25,
    timeout_s: 20,
    adversaries: ADVERSARIES,
  },
]

function specOf(setting: Setting, trial: string, scenario: string, timeout_s = setting.timeout_s): TrialSpec {
  const caps = {
    trial,
    memory: CAP_MB,
    ...(setting.compute === undefined ? {} : { compute: setting.compute }),
  }
  const [file, how, expected] = ADVERSARIES.find(([, name]) => name === scenario) ?? []
  // Only what ends by the deadline need be quick; the others may be slow on a busy machine.
  const deadline_s = expected === 'timed_out' ? timeout_s : 60
  return file === undefined
    ? trialSpec('allocate', { how: 'steady', live_mb: 24, steps: FULL ? 15 : 8 }, caps)
    : trialSpec(file, { how: how!, kind: how!, marker: MARKER, steps: 5000 }, { ...caps, deadline_s })
}

function mostFor(slow: 'slow' | undefined): number {
  return CAP_MB + (slow ? MOST_OVER_SLOW_MB : MOST_OVER_MB)
}

/** Unknown is never within a limit. */
function peakOf({ caps }: TrialResult): number {
  return caps.memory.peak_above_idle_mb ?? Number.POSITIVE_INFINITY
}

/** Groups of Stint's whose owner, which their name tells, has ended: the supervisor of an executor that was closed. */
function groupsOfTheDead(): string[] {
  return groups().filter((path) => {
    const owner = /\/stint-(\d+)-\d+-\d+[^/]*$/.exec(path)?.[1]
    return owner !== undefined && !existsSync(`/proc/${owner}`)
  })
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-adversary-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(process.platform !== 'linux')(`a ${CAP_MB} MB cap holds`, () => {
  it.each([...SHORT, ...(FULL ? LONG : [])])('$name', { timeout: 600_000 }, async (setting) => {
    const before = new Set(groupsOfTheDead())
    Object.assign(process.env, setting.environment)
    const executor = new LocalExecutor({ temporaryRoot: folder, onOutput: () => {} })
    for (const name of Object.keys(setting.environment)) delete process.env[name]
    executor.provide(fixtureResources())
    const plan = setting.adversaries.flatMap(([, how], round) => [
      { trial: how, scenario: how, round },
      ...(round % 8 === 0 ? [{ trial: `between-${round}`, scenario: 'between', round }] : []),
    ])
    const results = new Map<string, TrialResult>()
    try {
      const end = await fillSlots({
        planner: new Rounds(plan, null),
        slots: setting.slots ?? 2,
        run: ({ trial, scenario }) => executor.run(specOf(setting, trial, scenario)),
        onEnd: (_, result) => void results.set(result.trial, result),
        close: () => executor.close(),
        signal: new AbortController().signal,
      })
      expect(end).toEqual({ finished: plan.length, interrupted: false })
      for (const [, how, , slow] of setting.adversaries) {
        for (let tries = 0; tries < MORE_TRIES && peakOf(results.get(how)!) > mostFor(slow); tries++) {
          // A busy machine may also take longer to start a process than such a trial has.
          results.set(how, await executor.run(specOf(setting, how, how, setting.timeout_s + 5)))
        }
      }
    } finally {
      await executor.close()
    }
    const ended = setting.adversaries.map(([, how]) => [how, results.get(how)!.outcome])
    expect(ended).toEqual(setting.adversaries.map(([, how, outcome]) => [how, outcome]))
    for (const [, how, outcome, slow] of setting.adversaries) {
      const result = results.get(how)!
      expect(peakOf(result), how).toBeLessThanOrEqual(mostFor(slow))
      if (outcome !== 'ok') expect(errorOf(result)?.message, how).toBeTruthy()
    }
    for (const [trial, result] of results) {
      if (trial.startsWith('between')) expect([trial, errorOf(result)]).toEqual([trial, undefined])
    }
    expect(readdirSync(folder)).toEqual([])
    expect(running(MARKER)).toEqual([])
    expect(groupsOfTheDead().filter((group) => !before.has(group))).toEqual([])
  })
})
