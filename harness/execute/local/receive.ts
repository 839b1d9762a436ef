/**
 * The one place where what a trial process sent enters the coordinator: checked, and held against the coordinator's own
 * clock. A workload shares that process and may send anything; it costs its own trial.
 */
import { cpus } from 'node:os'
import type { PreparedDataset } from '../../../workers/data/types.ts'
import type { DuetReport } from '../../../workers/protocol/duet.ts'
import type { PrepareResult } from '../../../workers/protocol/prepare.ts'
import type { TimeWindow } from '../../../workers/protocol/supervisor.ts'
import { NOTHING_MEASURED, type TrialReport } from '../../../workers/protocol/trial-process.ts'
import {
  checkedChoices,
  checkedDescription,
  checkedDuet,
  checkedProblem,
  checkedReport,
  checkedTexts,
  trialErrorFrom,
  WorkloadError,
} from '../../../workers/untrusted.ts'
import type { WorkloadInfo } from '../../../workers/workload.ts'
import { HARNESS_METRICS } from '../../metrics.ts'

/** Clocks of one machine that are read one after the other may be so far apart, ms. */
const SLACK_MS = 5
/** Listing them reads the frequency of each, which takes some machines a while. */
export const CORES = cpus().length
/** CPU time is booked at the kernel's ticks, ms at their longest. */
const TICK_MS = 10

/** The machine's monotonic clock, ms. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/**
 * A trial's report; one of a failed trial, with the reason, where what was sent is no report or contradicts itself.
 * @param span when the trial process was started and when its report came, by `monotonicMs`
 * @param waits whether steps wait for arrivals
 */
export function receiveReport(sent: unknown, span: TimeWindow, waits = false): TrialReport {
  try {
    const report = checkedReport(sent)
    const wrong = report.outcome === 'ok' ? contradiction(report, span, waits) : null
    return wrong === null ? report : failedReport('ClockError', wrong)
  } catch (error) {
    const { name, message } = trialErrorFrom(error)
    return failedReport(name, `the trial process sent no report that can be taken: ${message}`)
  }
}

/** @param span as `receiveReport` */
export function receiveDuet(sent: unknown, span: TimeWindow): DuetReport {
  try {
    const report = checkedDuet(sent)
    const took = span.to - span.from
    // The sides take turns.
    const claimed =
      report.sums === null ? 0 : report.sums.baseline.latency_ms + report.sums.candidate.latency_ms
    if (claimed > took + SLACK_MS)
      throw new WorkloadError(
        `the steps of a duet that took ${(took / 1000).toFixed(3)} s add up to ${(claimed / 1000).toFixed(3)} s`,
      )
    return report
  } catch (error) {
    const failure = { side: null, outcome: 'failed' as const, error: trialErrorFrom(error) }
    return {
      pairs: 0,
      sums: null,
      chunks: null,
      profile: null,
      outputs: null,
      complete: false,
      core: null,
      failure,
    }
  }
}

/** @param workload for the message */
export function receivePrepared(sent: unknown, workload: string): PrepareResult {
  try {
    const result = sent as {
      ok: unknown
      error?: unknown
      workload?: unknown
      notes?: unknown
      datasets?: unknown
      choices?: unknown
    }
    const info = result.workload == null ? null : checkedDescription(result.workload)
    const own = info === null ? null : ownMetric(info)
    if (own !== null) {
      const message = `workload ${workload}: describe() has a metric ${own}, which Stint measures itself`
      return { ok: false, error: { message, hint: 'give it another name' } }
    }
    if (result.ok === true && info !== null) {
      // Read by the process itself, not by what the workload says.
      const datasets = result.datasets as PreparedDataset[]
      const notes = checkedTexts(result.notes, 'notes')
      const choices = result.choices === undefined ? {} : { choices: checkedChoices(result.choices) }
      return { ok: true, workload: info, datasets, notes, ...choices }
    }
    return { ok: false, error: checkedProblem(result.error), ...(info !== null && { workload: info }) }
  } catch (error) {
    return { ok: false, error: { message: `preparing ${workload} failed: ${trialErrorFrom(error).message}` } }
  }
}

function ownMetric({ metrics }: WorkloadInfo): string | null {
  return HARNESS_METRICS.find(({ name }) => Object.hasOwn(metrics, name))?.name ?? null
}

/**
 * What an honest measurement cannot be; null where nothing is wrong. The chunks' latencies fill the timed window
 * without a gap, unless steps wait, and the window lies within the trial.
 */
function contradiction({ metrics, window }: TrialReport, span: TimeWindow, waits: boolean): string | null {
  if (window === null) return 'it reported no timed window'
  for (const { name, signed } of HARNESS_METRICS) {
    const value = metrics[name] ?? null
    if (value !== null && value < 0 && signed !== true) return `its ${name} is ${value}, less than nothing`
  }
  const wallMs = window.to - window.from
  const outside = wallMs < 0 || window.from < span.from - SLACK_MS || window.to > span.to + SLACK_MS
  if (outside) {
    const took = ((span.to - span.from) / 1000).toFixed(3)
    return `its timed steps took ${(wallMs / 1000).toFixed(3)} s by its own clock and do not lie within the ${took} s that the whole trial took by the coordinator's`
  }
  const known = (name: string) => metrics[name] ?? 0
  const latencies = known('latency_mean_ms') * known('chunks')
  const apart = waits ? latencies - wallMs : Math.abs(latencies - wallMs)
  if (apart > SLACK_MS && known('chunks') > 0)
    return `its latencies add up to ${latencies.toFixed(1)} ms in a window of ${wallMs.toFixed(1)} ms`
  // Not those that a quota leaves: within one of its periods a process may use them all.
  const most = (wallMs + SLACK_MS + TICK_MS) * CORES
  if (known('cpu_s') * 1000 > most)
    return `its CPU time is ${known('cpu_s').toFixed(3)} s in a window of ${(wallMs / 1000).toFixed(3)} s on ${CORES} cores`
  return null
}

function failedReport(name: string, why: string): TrialReport {
  const message = name === 'ClockError' ? `the trial's measurements contradict each other: ${why}` : why
  return { ...NOTHING_MEASURED, outcome: 'failed', error: { name, message } }
}
