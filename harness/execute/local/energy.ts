/** One trial's energy from what the machine's counters said, else from CPU time and the profile's watts. */
import type { EnergyRecord, TrialReport, TrialSpec, WatchSummary } from '../../../workers/protocol.ts'
import { estimatedJoules } from '../../analyse/energy.ts'

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
