/** The built-in workload: streaming feature engineering and online learning on a CSV. */
import type {
  OpenWorkload,
  PreparedDataset,
  StepReport,
  TrialContext,
  TrialOutput,
  Workload,
  WorkloadSettings,
} from '../contract.ts'
import { type CheckedDataset, checkDataset, type UncheckedDataset } from './check-dataset.ts'
import { RunControl } from './control/run-control.ts'
import { startingSize } from './control/starting-sizes.ts'
import { DataQuality } from './data-quality.ts'
import { INFO, type PipelineParams, pipelineParams } from './describe.ts'
import { usesTarget } from './features/declared.ts'
import { type EngineerOptions, FeatureEngineer } from './features/engineer.ts'
import { RowBuffer } from './features/row-buffer.ts'
import { HELD_OUT, Holdout } from './holdout.ts'
import { openBytes } from './ingest/bytes.ts'
import type { ChunkReader, ColumnChunk, OpenReader } from './ingest/columns.ts'
import { openCsvParse } from './ingest/csv-parse.ts'
import { openData } from './ingest/open-data.ts'
import { createLearner } from './learn/registry.ts'
import { type Model, modelsWith } from './models.ts'
import type { Plan } from './plan.ts'
import { planFor } from './plan-for.ts'
import { Prequential } from './prequential.ts'
import { Spill } from './spill/spill.ts'
import { Watch } from './watch.ts'

const READERS: Record<PipelineParams['reader'], OpenReader> = {
  bytes: openBytes,
  'csv-parse': openCsvParse,
}

export interface PipelineWorkload extends Workload {
  /**
   * Reads the data set once as a trial would, so that bad input is found before any trial; hashes the file meanwhile.
   * @returns the data set with what reading it told, and notes for the user, such as columns that were dropped
   * @throws {DataError} naming file, line and column of a value that does not fit, or a column that is absent
   * @throws {Error} where the settings name no usable target or preset
   */
  checkDataset(dataset: UncheckedDataset): Promise<CheckedDataset>
}

const pipeline: PipelineWorkload = {
  describe: () => INFO,
  open,
  checkDataset,
}

export default pipeline

async function open(context: TrialContext): Promise<OpenWorkload> {
  const { dataset, settings } = context
  if (dataset === null) throw new Error('the pipeline needs a dataset: name one in the sweep')
  const params = pipelineParams(context.params)
  const plan = await planFor(dataset, params.features)
  const reader = await openData(dataset, plan.specs, READERS[params.reader])
  return new PipelineRun(plan, reader, dataset, params, settings)
}

class PipelineRun implements OpenWorkload {
  private readonly plan: Plan
  private readonly reader: ChunkReader
  private readonly settings: WorkloadSettings
  private readonly params: PipelineParams
  private readonly quality: DataQuality
  /** Where drift or quality is watched. */
  private readonly watch: Watch | null
  private readonly engineer: FeatureEngineer
  private readonly buffer: RowBuffer
  private readonly models: Model[]
  private readonly prequential: Prequential
  /** Batch mode alone. */
  private readonly holdout: Holdout | null
  /** Under adaptive_chunk_resize alone. */
  private readonly control: RunControl | null
  /** Where rows can be spilled and memory is bounded. */
  private readonly spill: Spill | null
  private batchResizes = 0
  /** Rows with a target, in batch mode. */
  private kept = 0
  private readonly expected: number
  private rows = 0
  private done = false

  constructor(
    plan: Plan,
    reader: ChunkReader,
    dataset: PreparedDataset,
    params: PipelineParams,
    settings: WorkloadSettings,
  ) {
    this.plan = plan
    this.reader = reader
    this.params = params
    this.settings = settings
    this.expected = dataset.rows
    this.quality = new DataQuality(plan, dataset, params)
    this.engineer = new FeatureEngineer(
      plan.features,
      plan.target,
      undefined,
      engineerOptions(plan, params, settings),
    )
    this.buffer = new RowBuffer(plan.features.dense.length, plan.features.slots.length)
    this.models = modelsWith(() => createLearner(params.learner, learnerOptions(params)))
    const { batch_size, max_memory_mb, mode } = settings
    this.control = settings.adaptive_chunk_resize
      ? new RunControl(settings, plan, this.buffer, dataset.rows)
      : null
    this.spill = settings.spill_to_disk && max_memory_mb !== null ? new Spill(max_memory_mb) : null
    const batchSize = settings.adaptive_batch_resize
      ? startingSize(batch_size, settings, dataset.rows)
      : batch_size
    this.prequential = new Prequential(this.models, batchSize)
    this.holdout =
      mode === 'batch'
        ? new Holdout(this.models, batchSize, settings.random_seed, this.buffer.batch, this.spill)
        : null
    this.watch = Watch.create(plan, params, this.quality.rowNumbers)
    const { watch } = this
    if (watch !== null && this.holdout === null) {
      watch.onErrorDrift = (row, keep) => this.prequential.forgetAfter(row, keep)
      this.prequential.observer = (batch, from, to, predictions, first, before) =>
        watch.observe(batch, from, to, before, predictions, first)
    }
  }

  step(): Promise<StepReport | null> | StepReport | null {
    if (this.done) return null
    const start = performance.now()
    const chunk = this.reader.read(this.nextRows(start))
    // A reader that answers at once keeps the step synchronous.
    if (chunk instanceof Promise) return chunk.then((read) => this.handle(read, start))
    return this.handle(chunk, start)
  }

  finish(): TrialOutput {
    const [model, mean, last] = this.models.map(({ score }) => score.summary())
    const { holdout, prequential } = this
    return {
      metrics: {
        r2: model!.r2,
        rmse: model!.rmse,
        mae: model!.mae,
        r2_mean_baseline: mean!.r2,
        r2_last_baseline: last!.r2,
      },
      info: {
        rows: this.rows,
        learned: (holdout ?? prequential).learned,
        scored: model!.n,
        scoring:
          holdout === null
            ? 'prequential: every batch predicted before it was learned'
            : `holdout: ${HELD_OUT * 100}% of the rows, chosen by seed, never learned`,
        ...this.quality.summary(),
        ...this.watch?.summary(),
        columns: this.plan.specs.map((spec) => spec.name),
        dense_features: this.plan.features.dense.length,
        one_hot_features: this.engineer.oneHot.size,
        ...(this.engineer.oneHot.hashedSlots.length > 0 && {
          hashed_slots: this.engineer.oneHot.hashedSlots,
        }),
        ...this.control?.info(),
        ...(this.settings.adaptive_batch_resize && {
          batch_size_last: this.prequential.batchSize,
          batch_resizes: this.batchResizes,
        }),
        ...(this.spill !== null && { spilled_blocks: this.spill.blocks, spilled_bytes: this.spill.bytes }),
      },
    }
  }

  close(): void | Promise<void> {
    this.spill?.close()
    return this.reader.close()
  }

  /** What lies behind the last row is no chunk to decide on. */
  private nextRows(now: number): number {
    if (this.control === null || this.rows >= this.expected) return this.settings.chunk_size
    return this.control.next(now)
  }

  private handle(read: ColumnChunk | null, start: number): StepReport | null {
    if (read === null) return this.end()
    const afterRead = performance.now()
    const clean = this.quality.take(read)
    const afterClean = performance.now()
    this.engineer.append(clean, this.buffer)
    const afterFeatures = performance.now()
    this.rows += read.rows
    this.control?.read(read.rows)
    const spilledBefore = this.spill?.bytes ?? 0
    if (this.holdout === null) this.prequential.take(this.buffer, this.rows >= this.expected)
    else {
      this.watchKept()
      this.holdout.keep(this.buffer)
    }
    return {
      rows: read.rows,
      bytes: read.bytes,
      operators_ms: {
        read: afterRead - start,
        clean: afterClean - afterRead,
        features: afterFeatures - afterClean,
        learn: performance.now() - afterFeatures,
      },
      ...this.detail(spilledBefore),
    }
  }

  /** Batch mode predicts nothing as rows come in: target and features alone are watched. */
  private watchKept(): void {
    const { batch, first } = this.buffer
    this.watch?.observe(batch, first, batch.rows, this.kept, null)
    this.kept += batch.rows - first
  }

  /** What the controller decided and what was spilled, for the chunk log. */
  private detail(spilledBefore: number): Pick<StepReport, 'detail'> {
    const detail: Record<string, unknown> = { ...this.quality.detail(), ...this.watch?.detail() }
    if (this.control !== null) detail['control'] = this.control.detail()
    if (this.spill !== null) detail['spilled_bytes'] = this.spill.bytes - spilledBefore
    const smaller = this.shrinkBatch()
    if (smaller !== null) detail['batch_size'] = smaller
    return Object.keys(detail).length === 0 ? {} : { detail }
  }

  /** Where no chunk fits however small, fewer rows may wait for their batch: from the next batch on. */
  private shrinkBatch(): number | null {
    const { control, prequential, settings } = this
    const shrinks = settings.adaptive_batch_resize && settings.mode === 'streaming'
    if (!shrinks || control?.overBudget !== true || prequential.batchSize === 1) return null
    prequential.batchSize = Math.ceil(prequential.batchSize / 2)
    this.batchResizes += 1
    return prequential.batchSize
  }

  /** Batch mode learns in a step of its own, so that it is timed and capped; streaming has only a rest to learn. */
  private end(): StepReport | null {
    this.done = true
    if (this.holdout === null) {
      this.prequential.take(this.buffer, true)
      return null
    }
    const start = performance.now()
    this.holdout.fit(this.params.learner === 'sgd' ? this.params.epochs : 1)
    return {
      rows: 0,
      operators_ms: { learn: performance.now() - start },
      detail: { learning: 'all rows kept' },
    }
  }
}

/** The options of the chosen learner; the others do not concern it. */
function learnerOptions(params: PipelineParams): Record<string, number> {
  if (params.learner === 'sgd') return { eta0: params.eta0 }
  return { lambda: params.lambda, forgetting: params.forgetting }
}

/** Declared features of earlier targets see those that are known when a batch is predicted, and no others. */
function engineerOptions(plan: Plan, params: PipelineParams, settings: WorkloadSettings): EngineerOptions {
  const { max_categories, hash_buckets } = params
  const { mode, batch_size, adaptive_batch_resize } = settings
  if (usesTarget(plan) && (mode === 'batch' || adaptive_batch_resize)) {
    throw new Error(
      `dataset.features made of earlier targets hang on when those are known, which ${mode === 'batch' ? 'mode: batch' : 'adaptive_batch_resize'} leaves open: use mode: streaming with a fixed batch_size`,
    )
  }
  return { bounds: { max_categories, hash_buckets }, labels: { batch: batch_size, delay: 0 } }
}
