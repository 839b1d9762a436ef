/** One version held against another. */
import type { DuetExecutor } from '../execute/executor.ts'
import type { BisectRange } from '../gate/bisect.ts'
import type { GateBaseline } from '../gate/decide.ts'
import type { Bisection, GateAnswer, GateEvent, GateResult } from '../gate/types.ts'
import type { Report } from '../report/section.ts'
import { type ExecuteOptions, interruptible, never, withExecutor } from './execution.ts'
import { explain, type WithReport } from './reports.ts'
import { loadedFrom, loadSweep, type SweepSource } from './sweeps.ts'

export interface GateMeans extends Omit<ExecuteOptions, 'executor'> {
  /** The largest slowdown to tolerate, as a share such as 0.02; else each metric's own. */
  margin?: number
  /** For the whole, ms, builds and waiting for other gates not counted; a minute where none is given. */
  limitMs?: number
  /** Pictures by their names in `PLOTS.gate`; none where none are named. */
  plots?: readonly string[]
  /** Hears what is being done, and how far it is. */
  onEvent?(event: GateEvent): void
  executor?: DuetExecutor
}

/** What is compared, and how. */
export type GateOptions = GateBaseline &
  GateMeans & {
    /** A folder for the CPU profile of a further trial of each version; made where it is missing. */
    profileTo?: string
    /** Replaces profiles there that Stint did not write too; false where absent. */
    overwrite?: boolean
  }

const EXIT_CODES = { ruled_out: 0, regression: 1, undecided: 3 } as const satisfies Record<
  GateResult['verdict'],
  number
>

/**
 * Holds a candidate version against a baseline: `regression` where a change for the worse beyond the margin is proven,
 * `ruled_out` where it is ruled out, `undecided` where neither.
 * @param sweep given as a path where `gate.build` is still to make the workload
 * @throws {UserError} where the two cannot be compared
 * @throws the reason of `signal` once that is aborted
 */
export async function gate(sweep: SweepSource, options: GateOptions): Promise<GateAnswer & WithReport> {
  const { signal = never(), limitMs = 60_000 } = options
  // From here on time counts, that of reading the sweep as well.
  const began = performance.now()
  const loaded =
    typeof sweep === 'string'
      ? await loadSweep(sweep, {}, { isBuiltLater: 'against' in options })
      : await sweep
  const [{ decide }, { TimeLimit }, { gateReport }, { readMachine }, { fleetOf }] = await Promise.all([
    import('../gate/decide.ts'),
    import('../gate/time-limit.ts'),
    import('../report/sections/gate.ts'),
    import('../record/machine.ts'),
    import('../execute/executor.ts'),
  ])
  const { executor = null, fleet } = options
  const isElsewhere = fleet !== undefined || (executor !== null && fleetOf(executor) !== null)
  const machine = isElsewhere ? null : readMachine()
  const { plots = [], margin = null, profileTo = null, onEvent = () => {} } = options
  const { overwrite = false } = options
  const limit = new TimeLimit(limitMs, undefined, began)
  const decided = { margin, limit, profileTo, overwrite, signal, onEvent }
  const found = await interruptible(signal, () =>
    withExecutor(options, (start) => decide(loaded, options, start, decided), loaded.sweep, true),
  )
  const result: GateAnswer = {
    ...found,
    exit_code: EXIT_CODES[found.verdict],
    machine,
    load_1m: machine && { start: machine.load_at_start[0], end: readMachine().load_at_start[0] },
  }
  const path = loaded.sweep.source.path
  if (plots.length === 0) return { ...result, report: gateReport(result, path) }
  const { gateProfilePlot } = await import('../report/plots/gate-profile.ts')
  return { ...result, report: gateReport(result, path, gateProfilePlot(result, 'gate-profile.png')) }
}

/**
 * Searches the commits from `good` to `bad` for the first that a gate against `good` finds worse.
 * @throws {UserError} where `good` is no ancestor of `bad`, or cannot be played
 * @throws the reason of `signal` once that is aborted
 */
export async function bisect(
  sweep: SweepSource,
  options: BisectRange & GateMeans,
): Promise<Bisection & WithReport> {
  const { signal = never(), margin = null, limitMs = 60_000, onEvent = () => {} } = options
  const loaded = await loadedFrom(sweep)
  const [{ bisectSweep }, { bisectReport }] = await Promise.all([
    import('../gate/bisect.ts'),
    import('../report/sections/bisect.ts'),
  ])
  const found = await interruptible(signal, () =>
    withExecutor(options, (start) =>
      bisectSweep(loaded, options, start, { margin, limitMs, profileTo: null, signal, onEvent }),
    ),
  )
  return { ...found, report: bisectReport(found, loaded.sweep.source.path) }
}

/** What says in a gate's forms that it could not be held, and why. */
export async function failureReport(error: unknown, sweep: string): Promise<Report> {
  const [{ message }, { gateFailure }] = await Promise.all([
    explain(error),
    import('../report/sections/failure.ts'),
  ])
  return gateFailure(message, sweep)
}
