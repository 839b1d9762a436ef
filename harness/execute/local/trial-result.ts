/** Puts together a journal line from what the trial process said and what the supervisor saw. */
import { availableParallelism } from 'node:os'
import {
  type CapsRecord,
  type ComputeCapInForce,
  type MemoryCapInForce,
  NO_NOISE_READINGS,
  type NoiseRecord,
  type NotOkTrial,
  type RecordedError,
  type TrialError,
  type TrialJob,
  type TrialReport,
  type TrialResult,
  type WatchSummary,
} from '../../../workers/protocol.ts'
import { trialErrorFrom } from '../../../workers/untrusted.ts'
import { formatNumber } from '../../format.ts'
import { disturbancesOf } from './disturbed.ts'
import { energyOf } from './energy.ts'
import { outcomeOfDeath } from './outcome.ts'
import type { ProcessEnding } from './trial-process.ts'

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

export interface TrialEvidence {
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
  const report = ending.kind === 'result' ? ending.result : null
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
    notes: report?.notes ?? [],
    resumed_under: [],
  }
  if (report?.outcome === 'ok') {
    const energy = energyOf(spec, report, summary, evidence.shared)
    const metrics = { ...okMetrics(report, summary, peakMb), energy_j: energy.joules }
    return { ...common, outcome: 'ok', metrics, energy, info: report.info ?? {} }
  }
  const { outcome, error } = judge(evidence)
  return { ...common, outcome, error: recorded(error) }
}

function recorded({ name, message, stack, exit }: TrialError): RecordedError {
  return { name, message, stack: stack ?? null, exit: exit ?? null }
}

function noiseOf(report: TrialReport | null): NoiseRecord {
  if (report === null) return { ...NO_NOISE_READINGS, disturbed: null }
  return { ...report.noise, disturbed: disturbancesOf(report.noise, availableParallelism()) }
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
  return { ...report.metrics, peak_memory_mb: peakMb, peak_rss_mb: peakRss }
}

function memoryRecord(
  { job: { spec }, caps, summary }: TrialEvidence,
  report: TrialReport | null,
  peakMb: number | null,
): CapsRecord['memory'] {
  const asked_mb = spec.caps.max_memory_mb
  const resident = caps.memory?.allowance_mb ?? null
  const scope = spec.caps.memory_scope
  const peaks = { peak_mb: peakMb, peak_above_empty_mb: summary.peak_above_empty_mb }
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
