/** From rows to one verdict. */
import type { GateResult, GateRow } from './types.ts'

/** A row that must be decided before a gate may pass; a metric that this machine cannot measure is not. */
function mustPass({ verdict, metric }: GateRow): boolean {
  return verdict !== 'not_measured' || metric === 'latency_mean_ms'
}

/** One proven regression is enough to fail. To pass, something was measured and everything that was is ruled out. */
export function verdictOf(rows: readonly GateRow[]): GateResult['verdict'] {
  if (rows.some(({ verdict }) => verdict === 'regression')) return 'regression'
  const measured = rows.some(({ verdict, metric }) => metric !== 'outcome' && verdict === 'ruled_out')
  const passed = rows.filter(mustPass).every(({ verdict }) => verdict === 'ruled_out')
  return measured && passed ? 'ruled_out' : 'undecided'
}
