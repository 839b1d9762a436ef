/** Puts together a journal line from what the host said and what the governor saw. */
import { availableParallelism } from 'node:os'
import type {
  CapsRecord,
  ComputeCapInForce,
  HostReport,
  MemoryCapInForce,
  NoiseRecord,
  Outcome,
  TrialError,
  TrialResult,
  TrialSpec,
  WatchSummary,
} from '../../workers/protocol.ts'
import { trialErrorFrom } from '../../workers/untrusted.ts'
import { formatNumber } from '../format.ts'
import { disturbancesOf } from './disturbed.ts'
import { energyOf } from './energy.ts'
import type { HostEnding } from './host-process.ts'
import { outcomeOfDeath } from './outcome.ts'

export interface CapsInForce {
  /** Null where the host did not live to have it. */
  memory: MemoryCapInForce | null
  /** Null where no compute cap was asked for, or the host did not live to have it. */
  compute: ComputeCapInForce | null
}

export interface TrialEvidence {
  spec: TrialSpec
  ending: HostEnding<HostReport>
  summary: WatchSummary
  caps: CapsInForce
  /** Whether another trial ran at the same time. */
  shared: boolean
  startedAt: Date
  /** `performance.now()` at the request. */
  requested: number
}

export function toTrialResult(evidence: TrialEvidence): TrialResult {
  const { spec, ending, summary } = evidence
  const report = ending.kind === 'result' ? ending.result : null
  const { outcome, error } = judge(evidence)
  const energy = energyOf(spec, report, summary, evidence.shared)
  const peakMb = largest(report?.peak_mb ?? null, summary.peak_mb)
  return {
    trial: spec.trial,
    scenario: spec.scenario,
    round: spec.round,
    outcome,
    metrics: outcome === 'ok' ? { ...okMetrics(report, summary, peakMb), energy_j: energy.joules } : {},
    caps: {
      memory: memoryRecord(evidence, peakMb),
      compute: computeRecord(evidence, report),
    },
    energy,
    noise: noiseOf(report),
    started_at: evidence.startedAt.toISOString(),
    duration_ms: performance.now() - evidence.requested,
    ...(error === undefined ? {} : { error }),
    ...(report?.notes === undefined ? {} : { notes: report.notes }),
    ...(report?.info === undefined ? {} : { info: report.info }),
  }
}

function noiseOf(report: HostReport | null): NoiseRecord {
  if (report === null) {
    return { run_queue_wait_share: null, involuntary_context_switches: null, load_1m: null }
  }
  const disturbed = disturbancesOf(report.noise, availableParallelism())
  return disturbed === null ? report.noise : { ...report.noise, disturbed }
}

function judge({ ending, summary, spec }: TrialEvidence): { outcome: Outcome; error?: TrialError } {
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
      return error === undefined ? { outcome } : { outcome, error }
    }
  }
}

function okMetrics(
  report: HostReport | null,
  summary: WatchSummary,
  peakMb: number | null,
): Record<string, number | null> {
  const peakRss = largest(report?.metrics['peak_rss_mb'] ?? null, summary.peak_rss_mb)
  return { ...report?.metrics, peak_memory_mb: peakMb, peak_rss_mb: peakRss }
}

function memoryRecord({ spec, caps, summary }: TrialEvidence, peakMb: number | null): CapsRecord['memory'] {
  const requested = spec.caps.max_memory_mb
  const resident = caps.memory?.allowance_mb ?? null
  const scope = spec.caps.memory_scope
  const peaks = { peak_mb: peakMb, peak_above_empty_mb: summary.peak_above_empty_mb }
  if (requested === null) return { requested_mb: null, mechanisms: [], ...peaks, enforced: true }
  const backstop = caps.memory?.backstop ?? null
  return {
    requested_mb: requested,
    scope,
    mechanisms: [
      'resource_limits',
      'between_steps',
      ...(resident === null ? [] : (['governor_rss'] as const)),
      ...(backstop === null ? [] : [backstop]),
    ],
    ...peaks,
    enforced: resident !== null,
    note:
      resident === null
        ? 'resident memory was not watched: off-heap growth within a step was not bounded'
        : scope === 'process'
          ? 'resident memory of the whole process counts'
          : `resident memory counts above the empty cell and ${formatNumber(resident)} MB for the runtime`,
  }
}

function computeRecord(
  { spec, caps, summary }: TrialEvidence,
  report: HostReport | null,
): CapsRecord['compute'] {
  const requested = spec.caps.max_compute_units
  const inForce = caps.compute
  const asked = requested !== null || spec.caps.pin_core !== null
  const enforced = !asked || (inForce !== null && inForce.error === null)
  const short = report?.outcome === 'ok' && report.achieved === null
  const note =
    inForce?.error ??
    (enforced ? null : 'the trial ended before its cap was put in force') ??
    (short ? 'the timed steps were too short to tell which share of a core they used' : null)
  return {
    requested,
    achieved: report?.achieved ?? null,
    mechanism: inForce?.mechanism ?? 'none',
    period_ms: inForce?.period_ms ?? null,
    pinned_core: inForce?.pinned_core ?? null,
    throttled_ms: report?.throttled_ms ?? summary.throttled_ms,
    enforced,
    ...(note === null ? {} : { note }),
  }
}

function largest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.max(a, b)
}
