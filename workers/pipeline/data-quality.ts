/** From a chunk as read to a clean one: quality is counted, bad values are dealt with, gaps are filled. */

import type { Column, ColumnChunk } from '../data/columns.ts'
import type { PreparedDataset } from '../data/types.ts'
import type { Kernels } from '../kernels.ts'
import { Cleaner, type CleanerState } from './clean/cleaner.ts'
import type { DataParams } from './describe.ts'
import type { ClassLabels } from './learn/class-labels.ts'
import type { Plan } from './plan.ts'
import { Guard, type GuardState } from './validate/guard.ts'
import { RowNumbers, type RowNumbersState } from './validate/row-numbers.ts'
import { type ChunkQuality, Validator, type ValidatorState } from './validate/validator.ts'

export interface DataQualityState {
  cleaner: CleanerState
  guard: GuardState | null
  validator: ValidatorState | null
  row_numbers: RowNumbersState | null
}

export class DataQuality {
  readonly cleaner: Cleaner
  /** Where alarms must name rows of the data. */
  readonly rowNumbers: RowNumbers | null
  private readonly guard: Guard | null
  private readonly validator: Validator | null
  private readonly state: DataQualityState | undefined
  private columns: readonly Column[] | null = null
  private chunkQuality: (ChunkQuality & { bad_values?: number; dropped?: number }) | null = null

  /** @param seen the columns of the rows before a checkpoint, whose state this is: there may be none after it */
  constructor(
    plan: Plan,
    dataset: Pick<PreparedDataset, 'path' | 'bad_values'>,
    params: DataParams,
    state?: DataQualityState,
    seen: readonly Column[] | null = null,
    kernels: Kernels | null = null,
  ) {
    const policy = dataset.bad_values ?? 'fail'
    this.state = state
    this.cleaner = new Cleaner(plan.target, plan.categories, state?.cleaner, {
      impute: params.impute,
      impute_value: params.impute_value,
      impute_categories: params.impute_categories,
      columns: plan.columns,
      kernels,
    })
    this.guard = Guard.idle(policy, plan.columns)
      ? null
      : new Guard(policy, plan.columns, dataset.path, state?.guard ?? undefined)
    this.validator = params.validate ? new Validator(state?.validator ?? undefined) : null
    this.rowNumbers = params.drift === 'off' ? null : new RowNumbers(state?.row_numbers ?? undefined)
    this.columns = seen
    if (seen !== null) this.validator?.begin(seen)
  }

  /**
   * @param labels turn the target into numbers, where it is a label
   * @throws {Error} for a bad value where the data set says that such values fail
   */
  take(chunk: ColumnChunk, labels: ClassLabels | null = null): ColumnChunk {
    this.columns = chunk.columns
    const quality = this.validator?.check(chunk) ?? null
    if (this.guard === null && this.rowNumbers === null) {
      this.chunkQuality = quality
      return this.cleaner.clean(labels?.encode(chunk) ?? chunk)
    }
    const { misfits = [], rows } = chunk
    const before = this.cleaner.rowsDropped
    const outOfRange = total(this.guard?.outOfRange)
    const drop = this.guard?.check(chunk) ?? null
    const gone: number[] = []
    const clean = this.cleaner.clean(labels?.encode(chunk) ?? chunk, drop, (row) => gone.push(row))
    this.rowNumbers?.take(rows, gone)
    const bad = misfits.length + total(this.guard?.outOfRange) - outOfRange
    const dropped = this.cleaner.rowsDropped - before
    const counts = { ...(bad > 0 && { bad_values: bad }), ...(dropped > 0 && { dropped }) }
    this.chunkQuality = quality === null && bad === 0 ? null : { ...quality, ...counts }
    return clean
  }

  /** So many rows of the data were given up unseen. */
  skip(rows: number): void {
    this.rowNumbers?.take(
      rows,
      Array.from({ length: rows }, (_, row) => row),
    )
  }

  /** For the chunk log; undefined where there is nothing to say. */
  detail(): Record<string, unknown> | undefined {
    const { chunkQuality } = this
    return chunkQuality === null || Object.keys(chunkQuality).length === 0
      ? undefined
      : { quality: chunkQuality }
  }

  /** For the journal. */
  summary(): Record<string, unknown> {
    const { cleaner, guard, validator, columns } = this
    return {
      rows_without_target: cleaner.rowsWithoutTarget,
      imputed: cleaner.imputed,
      ...(guard !== null && {
        rows_dropped: cleaner.rowsDropped,
        bad_values: {
          of_another_type: Object.fromEntries(guard.misfits),
          out_of_range: Object.fromEntries(guard.outOfRange),
        },
      }),
      ...(validator !== null && columns !== null && { quality: validator.summary(columns) }),
    }
  }

  toJSON(): DataQualityState {
    const { columns } = this
    if (columns === null && this.state !== undefined) return this.state
    return {
      cleaner: this.cleaner.toJSON(),
      guard: this.guard?.toJSON() ?? null,
      validator: this.validator?.toJSON(columns ?? []) ?? null,
      row_numbers: this.rowNumbers?.toJSON() ?? null,
    }
  }
}

function total(counts: ReadonlyMap<string, number> | undefined): number {
  return [...(counts?.values() ?? [])].reduce((sum, count) => sum + count, 0)
}
