/** Makes a journal line of what the trial process reported and what the supervisor saw. */
import type {
  ChildrenUsage,
  ComputeCapInForce,
  MemoryCapInForce,
  WatchSummary,
} from '../../../workers/protocol/supervisor.ts'
import type { TrialReport } from '../../../workers/protocol/trial-process.ts'
import {
  type CapsRecord,
  type Disturbed,
  type EnergyRecord,
  NO_NOISE_READINGS,
  type NoiseReadings,
  type NoiseRecord,
  type NotOkTrial,
  type RecordedError,
  type TrialError,
  type TrialResult,
} from '../../../workers/protocol/trial-result.ts'
import type { TrialJob, TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import { trialErrorFrom } from '../../../workers/untrusted.ts'
import { estimatedJoules } from '../../analyse/values.ts'
import { formatNumber } from '../../format.ts'
import { CORES } from './receive.ts'
import { metTaskLimit, taskLimitMessage } from './task-limit.ts'
import type { ProcessDeath, ProcessEnding } from './trial-process.ts'

export interface CapsInForce {
  /** Null where the trial process did not live to have it. */
  memory: MemoryCapInForce | null
  /** Null where no compute cap was asked for, or the trial process did not live to have it. */
  compute: ComputeCapInForce | null
}

interface Failed {
  outcome: NotOkTrial['outcome']
  error: TrialError
}

interface TrialEvidence {
  job: TrialJob
  ending: ProcessEnding<TrialReport>
  summary: WatchSummary
  caps: CapsInForce
  /** Whether another trial ran at the same time. */
  shared: boolean
  startedAt: Date
  /** `performance.now()` at the request. */
  requested: number
}

export function toTrialResult(evidence: TrialEvidence): TrialResult {
  const {
    job: { spec },
    ending,
    summary,
  } = evidence
  const report = ending.kind === 'result' ? withChildren(ending.result, summary.children) : null
  const peakMb = largest(report?.peak_mb ?? null, summary.peak_mb)
  const common = {
    trial: spec.trial,
    scenario: spec.scenario,
    round: spec.round,
    caps: {
      memory: memoryRecord(evidence, report, peakMb),
      compute: computeRecord(evidence, report),
    },
    noise: noiseOf(report),
    started_at: evidence.startedAt.toISOString(),
    duration_ms: performance.now() - evidence.requested,
    children: summary.children.count,
    notes: report?.notes ?? [],
    resumed_under: [],
    machine: null,
  }
  if (report?.outcome === 'ok' && summary.killed !== 'cgroup_memory') {
    const energy = energyOf(spec, report, summary, evidence.shared)
    const metrics = { ...okMetrics(report, summary, peakMb), energy_j: energy.joules }
    const { event_latency_ms, info = {} } = report
    return {
      ...common,
      outcome: 'ok',
      metrics,
      energy,
      ...(event_latency_ms !== undefined && { event_latency_ms }),
      info,
    }
  }
  const { outcome, error } = judge(evidence)
  return { ...common, outcome, error: recorded(error) }
}

/** What all processes of the trial used: the trial process can tell of itself only. */
function withChildren(report: TrialReport, children: ChildrenUsage): TrialReport {
  const { window, metrics, achieved, noise } = report
  if (children.count === 0 || window === null) return report
  const wallMs = window.to - window.from
  const share = wallMs > 0 ? children.cpu_ms / wallMs : 0
  const plus = (name: string, more: number) => {
    const own = metrics[name] ?? null
    return { [name]: own === null ? null : Math.max(0, own + more) }
  }
  return {
    ...report,
    achieved: achieved === null ? null : achieved + share,
    metrics: {
      ...metrics,
      ...plus('cpu_s', children.cpu_ms / 1000),
      ...plus('io_read_mb', children.read_mb),
      ...plus('io_written_mb', children.written_mb),
    },
    noise: {
      ...noise,
      others_cores: noise.others_cores === null ? null : Math.max(0, noise.others_cores - share),
    },
  }
}

function recorded({ name, message, stack, exit }: TrialError): RecordedError {
  return { name, message, stack: stack ?? null, exit: exit ?? null }
}

function noiseOf(report: TrialReport | null): NoiseRecord {
  if (report === null) return { ...NO_NOISE_READINGS, disturbed: null }
  return { ...report.noise, disturbed: disturbancesOf(report.noise, CORES) }
}

function judge({ ending, summary, job: { spec } }: TrialEvidence): Failed {
  switch (ending.kind) {
    case 'death':
      return outcomeOfDeath(ending.death, summary.killed, {
        max_memory_mb: spec.caps.max_memory_mb,
        timeout_s: spec.deadline_s,
      })
    case 'error':
      return { outcome: 'failed', error: trialErrorFrom(ending.error) }
    case 'result': {
      const { outcome, error } = ending.result
      // What the workload says then, such as that its program has ended, follows from it.
      if (summary.killed === 'cgroup_memory' && outcome !== 'out_of_memory') {
        const message = `memory grew past max_memory_mb ${spec.caps.max_memory_mb}; the kernel ended a process that the trial had started`
        return { outcome: 'out_of_memory', error: { name: 'MemoryCapError', message } }
      }
      if (outcome !== 'ok' && error !== undefined) return { outcome, error }
      const message = 'the trial process did not say why'
      return { outcome: 'failed', error: { name: 'Error', message } }
    }
  }
}

function okMetrics(
  report: TrialReport,
  summary: WatchSummary,
  peakMb: number | null,
): Record<string, number | null> {
  const peakRss = largest(report.metrics['peak_rss_mb'] ?? null, summary.peak_rss_mb)
  const group = Object.entries(summary.group).flatMap(([name, value]) =>
    value === null ? [] : [[`group_${name}`, value] as const],
  )
  return {
    ...report.metrics,
    peak_memory_mb: peakMb,
    peak_rss_mb: peakRss,
    ...Object.fromEntries(group),
  }
}

function memoryRecord(
  { job: { spec }, caps, summary }: TrialEvidence,
  report: TrialReport | null,
  peakMb: number | null,
): CapsRecord['memory'] {
  const asked_mb = spec.caps.max_memory_mb
  const resident = caps.memory?.allowance_mb ?? null
  const scope = spec.caps.memory_scope
  const peaks = { peak_mb: peakMb, peak_above_idle_mb: summary.peak_above_idle_mb }
  if (asked_mb === null) {
    return { asked_mb, scope, in_force_mb: null, mechanisms: [], ...peaks, enforced: true, note: null }
  }
  const backstop = caps.memory?.backstop ?? null
  return {
    asked_mb,
    scope,
    // Of a process that did not live to tell, what its scope leaves for the workload is not known.
    in_force_mb: caps.memory === null ? null : scope === 'workload' ? asked_mb : (report?.budget_mb ?? null),
    mechanisms: [
      'resource_limits',
      'between_steps',
      ...(resident === null ? [] : (['supervisor_rss'] as const)),
      ...(backstop === null ? [] : [backstop]),
    ],
    ...peaks,
    enforced: resident !== null,
    note:
      resident === null
        ? 'resident memory was not watched: off-heap growth within a step was not bounded'
        : scope === 'process'
          ? 'resident memory of the whole process counts'
          : `resident memory counts above the idle worker and ${formatNumber(resident)} MB for the runtime`,
  }
}

function computeRecord(
  { job: { spec, compute_units }, caps, summary }: TrialEvidence,
  report: TrialReport | null,
): CapsRecord['compute'] {
  const inForce = caps.compute
  const holds = inForce !== null && inForce.error === null
  const enforced = (spec.caps.max_compute_units === null && spec.caps.pin_core === null) || holds
  const short = report?.outcome === 'ok' && report.achieved === null
  const note =
    inForce?.error ??
    (enforced ? null : 'the trial ended before its cap was put in force') ??
    (short ? 'the timed steps were too short to tell which share of a core they used' : null)
  return {
    asked: spec.caps.max_compute_units,
    in_force: holds ? compute_units : null,
    achieved: report?.achieved ?? null,
    mechanism: inForce?.mechanism ?? 'none',
    period_ms: inForce?.period_ms ?? null,
    pinned_core: inForce?.pinned_core ?? null,
    throttled_ms: report?.throttled_ms ?? summary.throttled_ms,
    enforced,
    note,
  }
}

function largest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.max(a, b)
}

// ---------------------------------------------------------------- outcome of a trial process that gave no result

/** V8 says one of these before it aborts a process for want of memory. */
const V8_OUT_OF_MEMORY =
  /(heap out of memory|Fatal JavaScript invalid size error|Allocation failed|OOM error|out of memory: )/

export function outcomeOfDeath(
  death: ProcessDeath,
  killed: WatchSummary['killed'],
  limits: { max_memory_mb: number | null; timeout_s: number },
): { outcome: NotOkTrial['outcome']; error: TrialError } {
  const exit = death.signal ?? `code ${death.code}`
  if (killed === 'memory') {
    const message = `resident memory grew past max_memory_mb ${limits.max_memory_mb} within a step; the process was killed`
    return { outcome: 'out_of_memory', error: { name: 'MemoryCapError', message, exit } }
  }
  if (killed === 'cgroup_memory') {
    const message = `memory grew past max_memory_mb ${limits.max_memory_mb} within a step; the kernel ended the process at the limit of its cgroup`
    return { outcome: 'out_of_memory', error: { name: 'MemoryCapError', message, exit } }
  }
  if (killed === 'deadline') {
    const message = `not finished after timeout_s ${limits.timeout_s}; the process was killed`
    return { outcome: 'timed_out', error: { name: 'Timeout', message, exit } }
  }
  if (death.fault !== null) {
    const message = `the trial process ${death.fault}; it was killed`
    return { outcome: 'crashed', error: { name: 'Crash', message, exit } }
  }
  if (metTaskLimit(death.stderr, death.signal === 'SIGABRT')) {
    return { outcome: 'crashed', error: { name: 'Crash', message: taskLimitMessage(), exit } }
  }
  const words = V8_OUT_OF_MEMORY.exec(death.stderr)
  if (words && death.signal !== 'SIGKILL') {
    const message = `V8 ended the process for want of memory: ${lineAround(death.stderr, words.index)}`
    return { outcome: 'out_of_memory', error: { name: 'V8Abort', message, exit } }
  }
  const last = lastWords(death.stderr)
  const message = `the trial process ended by itself (${exit})${last === '' ? '' : `: ${last}`}`
  return { outcome: 'crashed', error: { name: 'Crash', message, exit } }
}

/** Of an error that nothing caught Node says first what it is, and its own version last. */
function lastWords(stderr: string): string {
  const lines = stderr.trim().split('\n')
  const uncaught = /^Node\.js v\d/.test(lines.at(-1) ?? '')
  return (uncaught ? lines.findLast((line) => /^\w*Error\b.*:/.test(line)) : undefined) ?? lines.at(-1) ?? ''
}

function lineAround(text: string, index: number): string {
  const from = text.lastIndexOf('\n', index) + 1
  const to = text.indexOf('\n', index)
  return text.slice(from, to === -1 ? undefined : to).trim()
}

// ---------------------------------------------------------------- energy: from the machine's counters, else from CPU time and a profile's watts

/**
 * Counters count the whole machine: where several trials ran at once, each gets its part by CPU time.
 * A trial alone gets all, since the machine ran for it.
 * @param report of a trial that lived to its end; null for one that did not
 */
export function energyOf(
  spec: TrialSpec,
  report: TrialReport | null,
  summary: WatchSummary,
  shared: boolean,
): EnergyRecord {
  const cpuS = report?.metrics['cpu_s'] ?? null
  if (report === null || cpuS === null || report.window === null)
    return { joules: null, source: null, shared }
  const busyMs = report.machine_busy_ms
  const part = !shared ? 1 : busyMs === null || busyMs <= 0 ? null : Math.min(1, (cpuS * 1000) / busyMs)
  const counted: [EnergyRecord['source'], number | null][] = [
    [report.energy.source, report.energy.joules],
    ['perf', summary.perf_joules],
  ]
  for (const [source, joules] of counted) {
    if (joules !== null && part !== null) return { joules: joules * part, source, shared }
  }
  const { watts } = spec
  if (watts == null || part === null) return { joules: null, source: null, shared }
  const wall_s = (report.window.to - report.window.from) / 1000
  return { joules: estimatedJoules(watts, { wall_s, cpu_s: cpuS, part }), source: 'estimate', shared }
}

// ---------------------------------------------------------------- trials that others' work reached

/** Cores' worth of work by others that a machine shows at rest, the supervisor's included. */
const OTHERS_AT_REST = 0.15
/** Of the cores that the trial leaves free, what others may use before caches and clocks are no longer its own. */
const OTHERS_SHARE = 0.25
const MUCH_STEAL = 0.01
const MUCH_OWN_LIMIT = 0.05
const MUCH_WAITING = 0.05
const MUCH_PRESSURE = 0.1
const MUCH_CHANGE = 0.1

/**
 * Reasons, none for a quiet trial; null where none of the signs is known, as of a trial too short to tell.
 * @param cores of the whole machine, which is what the use of others is read of
 */
export function disturbancesOf(noise: NoiseReadings, cores: number): Disturbed[] | null {
  const { steal_share, others_cores, run_queue_wait_share, pressure_share, frequency_change } = noise
  const { own_limit_share } = noise
  const signs = [
    own_limit_share,
    steal_share,
    others_cores,
    run_queue_wait_share,
    pressure_share,
    frequency_change,
  ]
  if (signs.every((sign) => sign === null)) return null
  const above = (value: number | null, limit: number) => value !== null && value > limit
  const reasons: Disturbed[] = []
  const changed: Disturbed[] = above(Math.abs(frequency_change ?? 0), MUCH_CHANGE) ? ['frequency'] : []
  if (above(steal_share, MUCH_STEAL)) reasons.push('steal')
  // Held back by its own quota it waits for that, however many cores are free or taken.
  if (above(own_limit_share, MUCH_OWN_LIMIT)) return ['own_limit', ...reasons, ...changed]
  if (above(others_cores, Math.max(OTHERS_AT_REST, (cores - 1) * OTHERS_SHARE))) reasons.push('others')
  if (above(run_queue_wait_share, MUCH_WAITING)) reasons.push('waiting')
  if (above(pressure_share, MUCH_PRESSURE)) reasons.push('pressure')
  return [...reasons, ...changed]
}
