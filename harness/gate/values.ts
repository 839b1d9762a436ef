/** From duets and trials to one number each for a metric: the log of how many times worse the candidate is. */
import type { DuetReport, DuetSums, OkTrial } from '../../workers/protocol.ts'
import type { Evidence, SoloRound } from './types.ts'

export interface MetricValues {
  kind: 'duets' | 'solos'
  /** Logs, above 0 worse; one a duet or pair of trials. */
  worse: number[]
  /** Means in the metric's unit. */
  baseline: number | null
  candidate: number | null
}

/** Null where this evidence says nothing of the metric. */
export function valuesOf(metric: string, evidence: Evidence): MetricValues | null {
  switch (metric) {
    case 'latency_mean_ms':
      return fromDuets(evidence.duets, 'lower', (sums, pairs) => sums.latency_ms / pairs)
    case 'cpu_s':
      return fromDuets(evidence.duets, 'lower', (sums) => (sums.cpu_ms === null ? null : sums.cpu_ms / 1000))
    case 'throughput_rows_s':
      return fromDuets(evidence.duets, 'higher', (sums) => (sums.rows * 1000) / sums.latency_ms)
    case 'peak_memory_mb':
      return fromSolos(evidence.solos, ({ metrics }) => metrics['peak_memory_mb'] ?? null)
    case 'energy_j':
      return fromSolos(evidence.solos, ({ energy }) =>
        !energy.shared && (energy.source === 'rapl' || energy.source === 'perf') ? energy.joules : null,
      )
  }
  return null
}

/** True where both versions handled the same rows in every chunk that counts: throughput then says what latency says. */
export function sameRows(duets: readonly DuetReport[]): boolean {
  return duets.every(({ sums }) => sums === null || sums.baseline.rows === sums.candidate.rows)
}

function fromDuets(
  duets: readonly DuetReport[],
  better: 'lower' | 'higher',
  read: (sums: DuetSums, pairs: number) => number | null,
): MetricValues | null {
  const pairs = duets.flatMap(({ sums, pairs }) =>
    sums === null ? [] : [{ baseline: read(sums.baseline, pairs), candidate: read(sums.candidate, pairs) }],
  )
  return summed(pairs, 'duets', better)
}

function fromSolos(
  solos: readonly SoloRound[],
  read: (trial: OkTrial) => number | null,
): MetricValues | null {
  const pairs = solos.flatMap(({ baseline: a, candidate: b }) =>
    a.outcome === 'ok' && b.outcome === 'ok' ? [{ baseline: read(a), candidate: read(b) }] : [],
  )
  return summed(pairs, 'solos', 'lower')
}

function summed(
  pairs: readonly { baseline: number | null; candidate: number | null }[],
  kind: MetricValues['kind'],
  better: 'lower' | 'higher',
): MetricValues | null {
  const usable = pairs.filter(
    (pair): pair is { baseline: number; candidate: number } =>
      isUsable(pair.baseline) && isUsable(pair.candidate),
  )
  if (usable.length === 0) return null
  const mean = (side: 'baseline' | 'candidate') =>
    usable.reduce((sum, pair) => sum + pair[side], 0) / usable.length
  const sign = better === 'lower' ? 1 : -1
  return {
    kind,
    worse: usable.map(({ baseline: a, candidate: b }) => sign * Math.log(b / a)),
    baseline: mean('baseline'),
    candidate: mean('candidate'),
  }
}

function isUsable(value: number | null): boolean {
  return value !== null && Number.isFinite(value) && value > 0
}
