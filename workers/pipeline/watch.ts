/** What is watched of the rows that are learned: drift, and features that say the same. */
import type { DataParams } from './describe.ts'
import { type Alarm, Monitor, type MonitorState } from './drift/monitor.ts'
import { driftOptions } from './drift/options.ts'
import type { FeatureBatch } from './learn/learner.ts'
import { type Plan, taskOf } from './plan.ts'
import { Collinearity } from './validate/collinearity.ts'
import type { RowNumbers } from './validate/row-numbers.ts'

export interface WatchState {
  monitor: MonitorState | null
  collinearity: Record<string, unknown> | null
}

/** How much of its weight what was learned keeps after an alarm, by `drift`. */
const KEPT: Partial<Record<DataParams['drift'], number>> = { forget: 0.5, reset: 0 }

export class Watch {
  /** Called after the rows with an alarm of the error, with what should be kept; only under `forget` and `reset`. */
  onErrorDrift: ((row: number, keep: number) => void) | null = null
  private readonly monitor: Monitor | null
  private readonly collinearity: Collinearity | null
  private readonly keep: number | null
  /** Since the last chunk. */
  private alarms: (Omit<Alarm, 'kept_row'> & { action?: string })[] = []

  constructor(plan: Plan, params: DataParams, rowNumbers: RowNumbers | null, state?: WatchState) {
    const { dense, slots } = plan.features
    this.monitor =
      params.drift === 'off'
        ? null
        : new Monitor(
            { features: dense, slots, task: taskOf(plan) },
            (row) => (rowNumbers?.of(row) ?? row) + 1,
            driftOptions(params),
            state?.monitor ?? undefined,
          )
    this.collinearity = params.validate ? new Collinearity(dense, state?.collinearity ?? undefined) : null
    this.keep = KEPT[params.drift] ?? null
  }

  /** Null where nothing is to be watched, so that rows need not be shown. */
  static create(
    plan: Plan,
    params: DataParams,
    rowNumbers: RowNumbers | null,
    state?: WatchState,
  ): Watch | null {
    return params.drift === 'off' && !params.validate ? null : new Watch(plan, params, rowNumbers, state)
  }

  /** As `Monitor.observe`. */
  observe(
    batch: FeatureBatch,
    from: number,
    to: number,
    before: number,
    predictions: Float64Array | null,
    first = 0,
    width = 1,
  ): void {
    this.collinearity?.observe(batch, from, to, before)
    const { monitor } = this
    if (monitor === null) return
    monitor.observe(batch, from, to, before, predictions, first, width)
    let restarts = false
    for (const { kept_row, ...alarm } of monitor.take()) {
      const acts = this.keep !== null && this.onErrorDrift !== null && isWorseError(alarm)
      if (acts) this.onErrorDrift!(kept_row, this.keep!)
      if (acts && this.keep === 0) restarts = true
      const action = this.keep === 0 ? 'reset' : 'forget'
      this.alarms.push({ ...alarm, ...(acts && { action }) })
    }
    if (restarts) monitor.restartError()
  }

  /** For the chunk log: the alarms since the last call, with the number of the data row, from 1. */
  detail(): Record<string, unknown> | undefined {
    const { alarms } = this
    this.alarms = []
    return alarms.length === 0 ? undefined : { drift: alarms }
  }

  /** For the journal. */
  summary(): Record<string, unknown> {
    // Batch mode learns once, after its last row: there an alarm comes too early to act upon.
    const { monitor } = this
    const idle = this.keep !== null && this.onErrorDrift === null
    return {
      ...(monitor !== null && { drift: monitor.summary(), drift_untested: monitor.untested() }),
      ...(idle && { drift_action: 'none: batch mode learns only at the end' }),
      ...(this.collinearity !== null && { collinear_features: this.collinearity.report() }),
    }
  }

  toJSON(): WatchState {
    return { monitor: this.monitor?.toJSON() ?? null, collinearity: this.collinearity?.toJSON() ?? null }
  }
}

function isWorseError({ stream, direction }: Omit<Alarm, 'kept_row'>): boolean {
  return stream === 'error' && direction === 'up'
}
