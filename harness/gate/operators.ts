/** Where the time of a step goes in either version: a hint at the cause of a regression. */
import { readChunkLog } from '../record/open-run.ts'
import { worstOf } from './profile.ts'
import type { GateRow, GateScenario, OperatorChange, OperatorTimes } from './types.ts'

/** Metrics of what steps take. */
const OF_STEPS = /^(latency_|throughput_|cpu_s$)/

/**
 * What the workload's own operators took in the first whole trial of each version, of the scenario that looks worst.
 * @param folder that has the chunk logs, in `chunks/`
 * @param trialOf the id of a version's trial in that round
 * @returns null where no step takes longer, and for workloads that report no operators
 */
export function operatorTimes(
  folder: string,
  scenarios: readonly GateScenario[],
  rows: readonly GateRow[],
  trialOf: (entry: GateScenario, side: 'baseline' | 'candidate') => string,
): OperatorTimes | null {
  const slower = rows.filter(({ verdict, metric }) => verdict === 'regression' && OF_STEPS.test(metric))
  if (slower.length === 0) return null
  const entry = worstOf(scenarios, slower)
  const times = (side: 'baseline' | 'candidate') => perRow(folder, trialOf(entry, side))
  const [was, is] = [times('baseline'), times('candidate')]
  const operators = [...new Set([...was.keys(), ...is.keys()])].map(
    (name): OperatorChange => ({
      name,
      baseline_us: was.get(name) ?? null,
      candidate_us: is.get(name) ?? null,
    }),
  )
  if (operators.length === 0) return null
  const growth = ({ baseline_us, candidate_us }: OperatorChange) => (candidate_us ?? 0) - (baseline_us ?? 0)
  const { id, label } = entry.scenario
  return { scenario: id, label, operators: operators.sort((a, b) => growth(b) - growth(a)) }
}

/** Microseconds per row, by operator. */
function perRow(folder: string, trial: string): ReadonlyMap<string, number> {
  const { chunks } = readChunkLog(folder, trial)
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
  const sums = new Map<string, number>()
  if (rows === 0) return sums
  for (const { operators_ms = {} } of chunks)
    for (const [name, ms] of Object.entries(operators_ms))
      sums.set(name, (sums.get(name) ?? 0) + (1000 * ms) / rows)
  return sums
}
