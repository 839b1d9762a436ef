/** One run's checkpoints: which it goes on from, when it writes one, and what must be the same for both. */
import { resolve } from 'node:path'
import type { PreparedDataset } from '../../data/types.ts'
import type { WorkloadSettings } from '../../workload.ts'
import type { PipelineParams } from '../describe.ts'
import { DATA_PARAMS } from '../describe-data.ts'
import { givenOptions } from '../learn/options.ts'
import type { Plan } from '../plan.ts'
import { type Checkpoint, checkSame, readCheckpoint, writeCheckpoint } from './file.ts'

export class Checkpoints {
  /** Null: the run starts afresh. */
  readonly resumed: Checkpoint | null
  private readonly path: string | null
  private readonly every: number | null
  private readonly madeWith: Record<string, unknown>
  private rowsSince = 0
  private written = 0

  /**
   * Null where the parameters ask for none.
   * @throws {Error} in batch mode, or where the checkpoint cannot be read or is of another run
   */
  static for(
    params: PipelineParams,
    settings: WorkloadSettings,
    dataset: PreparedDataset,
    plan: Plan,
    warmup: boolean,
  ): Checkpoints | null {
    if (params.checkpoint_to === null && params.resume_from === null) {
      if (params.checkpoint_rows === null) return null
      throw new Error('params.checkpoint_rows says how often, and params.checkpoint_to where to: give both')
    }
    if (settings.mode === 'batch') {
      throw new Error(
        'checkpoints are for mode: streaming; batch mode learns only at the end: drop params.checkpoint_to and params.resume_from',
      )
    }
    return new Checkpoints(params, settings, dataset, plan, warmup)
  }

  private constructor(
    params: PipelineParams,
    settings: WorkloadSettings,
    dataset: PreparedDataset,
    plan: Plan,
    warmup: boolean,
  ) {
    const { features, learner, label_delay, window, curve_points } = params
    this.madeWith = {
      columns: plan.specs.map(({ name, kind }) => `${name}: ${kind}`),
      target: plan.target,
      features,
      learner,
      ...givenOptions(params),
      batch_size: settings.batch_size,
      label_delay,
      window,
      curve_points,
      ...Object.fromEntries(Object.keys(DATA_PARAMS).map((name) => [name, params[name]])),
      declared_features: JSON.stringify(dataset.features ?? []),
      bad_values: dataset.bad_values ?? 'fail',
      positive: dataset.positive ?? null,
    }
    // The throwaway instance that warms up leaves nothing behind.
    this.path = params.checkpoint_to === null || warmup ? null : resolve(params.checkpoint_to)
    this.every = params.checkpoint_rows
    this.resumed = params.resume_from === null ? null : readCheckpoint(resolve(params.resume_from))
    if (this.resumed === null) return
    checkSame(params.resume_from!, this.resumed, this.madeWith)
    if (this.resumed.rows > dataset.rows) {
      throw new Error(
        `${params.resume_from} was taken after ${this.resumed.rows} rows, and ${dataset.path} has ${dataset.rows}: it is another file`,
      )
    }
  }

  /** Call after each chunk. */
  isDue(rows: number, atEnd: boolean): boolean {
    this.rowsSince += rows
    return this.path !== null && (atEnd || (this.every !== null && this.rowsSince >= this.every))
  }

  /** @throws {Error} where the file cannot be written */
  write(rows: number, parts: Record<string, unknown>): void {
    writeCheckpoint(this.path!, { made_with: this.madeWith, rows, parts })
    this.rowsSince = 0
    this.written += 1
  }

  info(): Record<string, unknown> {
    return {
      ...(this.resumed !== null && { resumed_at_row: this.resumed.rows }),
      ...(this.path !== null && { checkpoints_written: this.written }),
    }
  }
}
