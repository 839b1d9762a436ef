/** `mode: realtime`: which of its settings go together, and the driver that they ask for. */
import type { ArrivalSpec, OpenLoopSpec } from '../../workers/protocol/trial-spec.ts'
import type { Scalar, WorkloadSettings } from '../../workers/workload.ts'
import type { Locate } from './places.ts'
import type { Finding } from './problems.ts'
import { SETTING_DEFAULTS } from './settings.ts'
import type { Scenario, ScenarioSettings } from './types.ts'

type Key = keyof ScenarioSettings

const isRealtime = ({ mode }: ScenarioSettings): boolean => mode === 'realtime'
const follows = (pattern: ScenarioSettings['arrival.pattern']) => (settings: ScenarioSettings) =>
  isRealtime(settings) && settings['arrival.pattern'] === pattern
const isBursts = follows('bursts')
const isTrace = follows('trace')

/** Where each setting means something, and what to say to where that is nowhere. */
const MEANT: Partial<Record<Key, { where: (settings: ScenarioSettings) => boolean; goesWith: string }>> = {
  ...Object.fromEntries(
    (
      [
        ...(['arrival.pattern', 'arrival.through', 'duration_s', 'max_wait_ms', 'deadline_ms'] as const),
        ...(['queue.limit_rows', 'queue.when_full', 'label_delay_ms'] as const),
      ] satisfies Key[]
    ).map((key) => [key, { where: isRealtime, goesWith: 'mode: realtime' }]),
  ),
  'arrival.rate': {
    where: (settings) => isRealtime(settings) && !isTrace(settings),
    goesWith: 'mode: realtime and a pattern other than trace, whose times the data has',
  },
  ...Object.fromEntries(
    (['arrival.duty', 'arrival.factor', 'arrival.period_ms'] satisfies Key[]).map((key) => [
      key,
      { where: isBursts, goesWith: 'mode: realtime and arrival.pattern: bursts' },
    ]),
  ),
  ...Object.fromEntries(
    (['arrival.column', 'arrival.speed'] satisfies Key[]).map((key) => [
      key,
      { where: isTrace, goesWith: 'mode: realtime and arrival.pattern: trace' },
    ]),
  ),
}

/** Settings that only `mode: realtime` has. */
export const REALTIME_SETTINGS: readonly string[] = Object.keys(MEANT)

/** A key of one scenario that does not fit the others. */
interface Misfit {
  key: string
  what: string
  hint: string
}

/**
 * @param isPipeline whether the workload is the built-in one
 * @returns what does not go together, each key once
 */
export function realtimeFindings(
  scenarios: readonly Scenario[],
  isPipeline: boolean,
  locate: Locate,
): Finding[] {
  const found = new Map<string, Finding>()
  const add = ({ key, what, hint }: Misfit, value?: Scalar) => {
    if (!found.has(key)) found.set(key, { ...locate(key, value), what, hint })
  }
  for (const [key, { where, goesWith }] of Object.entries(MEANT)) {
    const given = scenarios.find(({ settings }) => settings[key as Key] !== SETTING_DEFAULTS[key])
    if (given === undefined || scenarios.some(({ settings }) => where(settings))) continue
    const hint = scenarios.some(({ settings }) => isRealtime(settings))
      ? 'remove it'
      : 'say mode: realtime, or remove it'
    add({ key, what: `goes with ${goesWith}`, hint }, given.settings[key as Key])
  }
  for (const scenario of scenarios) {
    if (!isRealtime(scenario.settings)) continue
    for (const misfit of misfitsOf(scenario, isPipeline)) add(misfit, scenario.point[misfit.key])
  }
  return [...found.values()]
}

function* misfitsOf({ settings, dataset, params }: Scenario, isPipeline: boolean): Generator<Misfit> {
  const { duration_s, timeout_s, label_delay_ms } = settings
  if (isTrace(settings)) {
    if (settings['arrival.column'] === null) {
      const hint = 'arrival: { pattern: trace, column: time }'
      yield { key: 'arrival.column', what: 'is missing, and a trace needs a column of times', hint }
    } else if (dataset === null) {
      const hint = 'name a dataset with that column, or choose another pattern'
      yield { key: 'arrival.pattern', what: 'trace takes its times from the data, and there is none', hint }
    }
  } else if (settings['arrival.rate'] === null) {
    const hint = 'say how many events arrive per second: arrival: { rate: 1000 }'
    yield { key: 'arrival.rate', what: 'is missing in mode: realtime', hint }
  }
  const { 'arrival.duty': duty, 'arrival.factor': factor } = settings
  if (isBursts(settings) && duty * factor > 1) {
    const what = `got ${factor}, expected at most ${1 / duty}, which is 1 / arrival.duty: else the bursts have more events than arrival.rate says`
    yield { key: 'arrival.factor', what, hint: 'lower the factor or the duty' }
  }
  if (settings['queue.when_full'] !== 'block' && settings['queue.limit_rows'] === null) {
    const what = `is missing, and ${settings['queue.when_full']} needs to know when the queue is full`
    yield { key: 'queue.limit_rows', what, hint: 'queue: { limit_rows: 10000, when_full: ... }' }
  }
  if (duration_s === null && dataset === null) {
    const hint = 'say how long events arrive: duration_s: 20'
    yield { key: 'duration_s', what: 'is missing, and without a dataset nothing else ends a trial', hint }
  }
  if (duration_s !== null && duration_s >= timeout_s) {
    const hint = `raise timeout_s above ${duration_s}, start-up and warm-up included, or shorten duration_s`
    yield { key: 'duration_s', what: `got ${duration_s}, which timeout_s ${timeout_s} cuts off`, hint }
  }
  if (settings['arrival.through'] !== null && !(isPipeline && dataset !== null)) {
    const what = 'goes with the built-in pipeline and a dataset: another workload reads its data itself'
    yield { key: 'arrival.through', what, hint: 'remove it' }
  }
  if (label_delay_ms > 0 && !isPipeline) {
    const what = 'goes with the built-in pipeline: how another workload gets its labels is not known'
    yield { key: 'label_delay_ms', what, hint: 'remove it' }
  }
  if (isPipeline && params['target_latency_ms'] != null) {
    const what =
      'goes with the closed loop: it is held against the time between chunks, which arrivals decide here'
    yield {
      key: 'target_latency_ms',
      what,
      hint: 'remove it; max_wait_ms bounds how long events wait for a chunk',
    }
  }
  if (label_delay_ms > 0 && Number(params['label_delay'] ?? 0) > 0) {
    const what = 'is given beside params.label_delay, which counts the same delay in rows'
    yield { key: 'label_delay_ms', what, hint: 'keep one of them' }
  }
}

// ---------------------------------------------------------------- what a trial is told

/** A seed of arrivals has the trial's own in its lower 32 bits, and the round above. */
const TWO_32 = 2 ** 32

/** A workload does not know which driver it runs under. */
export function workloadMode({ mode }: Pick<ScenarioSettings, 'mode'>): WorkloadSettings['mode'] {
  return mode === 'realtime' ? 'streaming' : mode
}

/** What a workload is told of a scenario's settings. */
export function workloadSettings(settings: ScenarioSettings): WorkloadSettings {
  const { chunk_size, batch_size, random_seed } = settings
  return { mode: workloadMode(settings), chunk_size, batch_size, random_seed }
}

/**
 * The open loop that a scenario asks for; null for none. Scenarios meet the same arrivals in a round, and other ones in
 * the next.
 */
export function openLoop(settings: ScenarioSettings, round: number): OpenLoopSpec | null {
  if (!isRealtime(settings)) return null
  const { duration_s, max_wait_ms, deadline_ms, label_delay_ms } = settings
  return {
    kind: 'open',
    arrival: arrivalOf(settings),
    through: settings['arrival.through'],
    seed: settings.random_seed + round * TWO_32,
    duration_s,
    max_wait_ms,
    deadline_ms,
    queue: { limit_rows: settings['queue.limit_rows'], when_full: settings['queue.when_full'] },
    label_delay_ms,
  }
}

function arrivalOf(settings: ScenarioSettings): ArrivalSpec {
  const pattern = settings['arrival.pattern']
  // Checked with the sweep: all but a trace have a rate, and a trace has a column.
  const rate = settings['arrival.rate']!
  const { 'arrival.duty': duty, 'arrival.factor': factor, 'arrival.period_ms': period_ms } = settings
  switch (pattern) {
    case 'trace':
      return { pattern, column: settings['arrival.column']!, speed: settings['arrival.speed'] }
    case 'bursts':
      return { pattern, rate, duty, factor, period_ms }
    default:
      return { pattern, rate }
  }
}
