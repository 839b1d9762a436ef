/** The built-in workload: streaming feature engineering and online learning on a CSV. */

import type { ChunkReader, Column, ColumnChunk, OpenReader } from '../data/columns.ts'
import { openBytes } from '../data/csv/reader.ts'
import { openData } from '../data/open.ts'
import type { PreparedDataset } from '../data/types.ts'
import { type Kernels, openKernels, whyNoKernels } from '../kernels.ts'
import type {
  Limits,
  Offer,
  OpenWorkload,
  StepReport,
  TrialContext,
  TrialOutput,
  Workload,
  WorkloadSettings,
} from '../workload.ts'
import { Checkpoints, skipRows } from './checkpoint.ts'
import { RunControl, startingSize } from './control.ts'
import { DataQuality, type DataQualityState } from './data-quality.ts'
import { givenParams, infoFor, type PipelineParams, pipelineParams } from './describe.ts'
import { checkForgetting } from './drift/forgetting.ts'
import { FeatureSink } from './feature-sink.ts'
import { usesTarget } from './features/declared.ts'
import { type EngineerState, engineerOptions, FeatureEngineer } from './features/engineer.ts'
import { ClassLabels, positiveLabel } from './learn/class-labels.ts'
import type { Task } from './learn/learner.ts'
import { checkTarget } from './learn/options.ts'
import { Learning, type LearningState } from './learning.ts'
import { ClassificationScores } from './metrics/class-scores.ts'
import { type Plan, taskOf } from './plan.ts'
import { planFor } from './plan-for.ts'
import { Spill } from './spill/spill.ts'
import { Watch, type WatchState } from './watch.ts'

/** What most trials never use is loaded by those that do: a trial starts faster and takes less memory. */
const openCsvParse: OpenReader = async (...source) =>
  (await import('../data/csv/csv-parse.ts')).openCsvParse(...source)

const pipeline: Workload = { describe: () => infoFor([]), open }

export default pipeline

async function open(context: TrialContext): Promise<OpenWorkload> {
  const { dataset, settings, limits } = context
  if (dataset === null) throw new Error('the pipeline needs a dataset: name one in the sweep')
  const plan = await planFor(dataset, givenParams(context.params).features)
  const target = { name: plan.target, task: taskOf(plan), classes: dataset.classes ?? null }
  const params = pipelineParams(context.params, target)
  checkTarget(params.learner, target)
  checkForgetting(params)
  const checkpoints = Checkpoints.for(params, settings, dataset, plan, { write: !context.warmup })
  const from = checkpoints?.resumed ?? null
  const kernels = params.kernels === 'wasm' ? openKernels() : null
  const openCsv: OpenReader =
    params.reader === 'bytes'
      ? (path, specs, options) => openBytes(path, specs, { ...options, kernels })
      : openCsvParse
  const reader = await openData(dataset, plan.specs, openCsv)
  let sink: FeatureSink | null = null
  try {
    const seen = from === null ? null : await skipRows(reader, from.rows)
    // The throwaway instance that warms up leaves nothing behind.
    if (params.features_to !== null && !context.warmup) {
      sink = new FeatureSink(params.features_to, dataset.path, plan)
    }
    return new PipelineRun(plan, reader, dataset, params, settings, limits, checkpoints, seen, sink, kernels)
  } catch (error) {
    sink?.close()
    await reader.close()
    kernels?.close()
    throw error
  }
}

const LABELS_IN_TIME =
  'dataset.features made of earlier targets hang on which labels have arrived, which label_delay_ms leaves open: use params.label_delay'

/** The state of a run between two chunks. */
interface PipelineParts {
  labels: string[] | null
  quality: DataQualityState
  watch: WatchState | null
  engineer: EngineerState
  learning: LearningState
}

class PipelineRun implements OpenWorkload {
  private readonly plan: Plan
  private readonly reader: ChunkReader
  private kernels: Kernels | null
  private readonly params: PipelineParams
  private readonly settings: WorkloadSettings
  /** Where the target is a label. */
  private readonly labels: ClassLabels | null
  /** The label that F1 is of, as chosen. */
  private readonly chosenPositive: string | undefined
  private readonly quality: DataQuality
  /** Where drift or quality is watched. */
  private readonly watch: Watch | null
  private readonly engineer: FeatureEngineer
  private readonly learning: Learning
  /** Only under adaptive_chunk_resize. */
  private readonly control: RunControl | null
  /** Where rows can be spilled and memory is bounded. */
  private readonly spill: Spill | null
  private readonly checkpoints: Checkpoints | null
  /** Takes the engineered rows, where asked for. */
  private readonly sink: FeatureSink | null
  private batchResizes = 0
  /** Rows with a target, in batch mode. */
  private kept = 0
  private readonly expected: number
  /** Rows read, those before a checkpoint included. */
  private rows = 0
  /** Rows read since this run was opened. */
  private read = 0
  private done = false

  constructor(
    plan: Plan,
    reader: ChunkReader,
    dataset: PreparedDataset,
    params: PipelineParams,
    settings: WorkloadSettings,
    limits: Limits,
    checkpoints: Checkpoints | null,
    seen: readonly Column[] | null,
    sink: FeatureSink | null,
    kernels: Kernels | null,
  ) {
    const from = checkpoints?.resumed ?? null
    const parts = from?.parts as PipelineParts | undefined
    this.plan = plan
    this.reader = reader
    this.kernels = kernels
    this.params = params
    this.settings = settings
    this.checkpoints = checkpoints
    this.sink = sink
    this.expected = dataset.rows
    this.rows = from?.rows ?? 0
    const task = taskOf(plan)
    this.labels = task === 'classification' ? new ClassLabels(plan.target, parts?.labels ?? []) : null
    this.chosenPositive = dataset.positive
    this.quality = new DataQuality(plan, dataset, params, parts?.quality, seen, kernels)
    const engineering = engineerOptions(plan, params, settings)
    this.engineer = new FeatureEngineer(plan.features, plan.target, parts?.engineer, {
      ...engineering,
      kernels,
    })
    const { batch_size } = settings
    this.spill = params.spill_to_disk && limits.memory_mb !== null ? new Spill(limits.memory_mb) : null
    const batchSize = params.adaptive_batch_resize
      ? startingSize(batch_size, limits, dataset.rows)
      : batch_size
    const { dense, slots } = plan.features
    this.learning = new Learning(
      {
        task,
        width: dense.length,
        slots: slots.length,
        rows: dataset.rows,
        positiveClass: () => this.positive(),
      },
      params,
      { ...settings, batch_size: batchSize },
      this.spill,
      kernels,
      parts?.learning,
    )
    this.control = params.adaptive_chunk_resize
      ? new RunControl(settings.chunk_size, params, limits, plan, this.learning.buffer, dataset.rows)
      : null
    this.watch = Watch.create(plan, params, this.quality.rowNumbers, parts?.watch ?? undefined)
    if (this.watch !== null && settings.mode === 'streaming') this.watchLearning(this.watch, task)
  }

  step(offer: Offer): Promise<StepReport | null> | StepReport | null {
    if (this.done) return null
    const start = performance.now()
    const chunk = this.reader.read(this.nextRows(offer.rows, start))
    // A reader that answers at once keeps the step synchronous.
    if (chunk instanceof Promise) return chunk.then((read) => this.handle(read, start, offer))
    return this.handle(chunk, start, offer)
  }

  async skip(rows: number): Promise<number> {
    let skipped = 0
    while (skipped < rows) {
      const chunk = await this.reader.read(Math.min(this.settings.chunk_size, rows - skipped))
      if (chunk === null) break
      skipped += chunk.rows
      this.quality.skip(chunk.rows)
    }
    this.rows += skipped
    this.read += skipped
    return skipped
  }

  finish(): TrialOutput {
    const { learning, checkpoints, sink } = this
    // Rows were answered whose batch is not full, where the time was up before the end of the data.
    if (!learning.learnsAtEnd) learning.take(true)
    // A run that was left before its end leaves no file.
    if (this.rows >= this.expected) sink?.finish()
    return {
      metrics: learning.metrics(),
      info: {
        rows: this.rows,
        ...this.path(),
        ...learning.info(),
        ...(this.labels !== null && { classes: this.labels.names }),
        ...(this.labels?.names.length === 2 && { f1_label: this.labels.names[this.positive()] }),
        ...this.quality.summary(),
        ...this.watch?.summary(),
        columns: this.plan.specs.map((spec) => spec.name),
        dense_features: this.plan.features.dense.length,
        one_hot_features: this.engineer.oneHot.size,
        ...(this.engineer.oneHot.hashedSlots.length > 0 && {
          hashed_slots: this.engineer.oneHot.hashedSlots,
        }),
        ...this.control?.info(),
        ...(this.params.adaptive_batch_resize && {
          batch_size_last: learning.batchSize,
          batch_resizes: this.batchResizes,
        }),
        ...(this.spill !== null && { spilled_blocks: this.spill.blocks, spilled_bytes: this.spill.bytes }),
        ...checkpoints?.info(),
        ...(sink !== null && { features_written: sink.rows }),
      },
    }
  }

  /** The class that F1 is of; only where two labels were met. */
  private positive(): number {
    const [a, b] = this.labels!.names as [string, string]
    return positiveLabel(a, b, this.chosenPositive) === a ? 0 : 1
  }

  close(): void | Promise<void> {
    this.spill?.close()
    this.sink?.close()
    const closed = this.reader.close()
    this.kernels?.close()
    this.kernels = null
    return closed
  }

  /** What ran: kernels or JavaScript, and why not the kernels where they were asked for. */
  private path(): Record<string, unknown> {
    if (this.kernels !== null) return { kernels: 'wasm' }
    return { kernels: 'js', ...(this.params.kernels === 'wasm' && { kernels_missing: whyNoKernels() }) }
  }

  /** What lies after the last row is no chunk to decide on. */
  private nextRows(offered: number, now: number): number {
    if (this.control === null || this.rows >= this.expected) return offered
    return Math.min(offered, this.control.next(now))
  }

  /** Rows are watched when their labels come, whatever the chunk. */
  private watchLearning(watch: Watch, task: Task): void {
    const width = task === 'classification' ? new ClassificationScores().width : 1
    watch.onErrorDrift = (row, keep) => this.learning.forgetAfter(row, keep)
    this.learning.observe((batch, from, to, predictions, first, before) =>
      watch.observe(batch, from, to, before, predictions, first, width),
    )
  }

  /** Batch mode predicts nothing as rows come in: only target and features are watched. */
  private watchKept(watch: Watch): void {
    const { batch, first } = this.learning.buffer
    watch.observe(batch, first, batch.rows, this.kept, null)
    this.kept += batch.rows - first
  }

  private handle(read: ColumnChunk | null, start: number, offer: Offer): StepReport | null {
    if (read === null) return this.end()
    const afterRead = performance.now()
    const clean = this.quality.take(read, this.labels)
    const afterClean = performance.now()
    const { buffer } = this.learning
    this.engineer.append(clean, buffer)
    const afterFeatures = performance.now()
    const { sink } = this
    if (sink !== null) {
      const { rows } = buffer.batch
      sink.append(buffer.batch, rows - clean.rows, rows, this.engineer.oneHot, this.labels?.names ?? null)
    }
    const afterSink = sink === null ? afterFeatures : performance.now()
    this.rows += read.rows
    this.read += read.rows
    this.control?.read(read.rows)
    const spilledBefore = this.spill?.bytes ?? 0
    if (this.watch !== null && this.settings.mode === 'batch') this.watchKept(this.watch)
    const taken = { train: offer.train !== false, read: this.read, labels: this.labelsBy(offer) }
    this.learning.take(false, taken)
    this.checkpoint(read.rows)
    // The rest is learned within the last chunk's time; a checkpoint stands before it, so that more rows may follow.
    if (this.rows >= this.expected) this.learning.take(true, taken)
    return {
      rows: read.rows,
      bytes: read.bytes,
      operators_ms: {
        read: afterRead - start,
        clean: afterClean - afterRead,
        features: afterFeatures - afterClean,
        ...(sink !== null && { sink: afterSink - afterFeatures }),
        learn: performance.now() - afterSink,
      },
      ...this.detail(spilledBefore),
    }
  }

  /** @throws {Error} where features hang on when labels arrive, which time leaves open */
  private labelsBy({ labels }: Offer): number | null {
    if (labels !== undefined && usesTarget(this.plan)) throw new Error(LABELS_IN_TIME)
    return labels ?? null
  }

  /** What the controller decided, what was spilled and how the last rows scored, for the chunk log. */
  private detail(spilledBefore: number): Pick<StepReport, 'detail'> {
    const { control, spill } = this
    const reading = this.learning.windowReading()
    const detail: Record<string, unknown> = { ...this.quality.detail(), ...this.watch?.detail() }
    if (control !== null) detail['control'] = control.detail()
    if (spill !== null) detail['spilled_bytes'] = spill.bytes - spilledBefore
    if (reading !== null) detail['window'] = reading
    const smaller = this.shrinkBatch()
    if (smaller !== null) detail['batch_size'] = smaller
    return Object.keys(detail).length === 0 ? {} : { detail }
  }

  private checkpoint(rows: number): void {
    if (this.checkpoints?.isDue(rows, this.rows >= this.expected) !== true) return
    const parts: PipelineParts = {
      labels: this.labels?.toJSON() ?? null,
      quality: this.quality.toJSON(),
      watch: this.watch?.toJSON() ?? null,
      engineer: this.engineer.toJSON(),
      learning: this.learning.toJSON(),
    }
    this.checkpoints.write(this.rows, { ...parts })
  }

  /** Where no chunk fits however small, fewer rows may wait for their batch: from the next batch on. */
  private shrinkBatch(): number | null {
    const { control, learning, params, settings } = this
    const shrinks = params.adaptive_batch_resize && settings.mode === 'streaming'
    if (!shrinks || control?.overBudget !== true || learning.batchSize === 1) return null
    learning.batchSize = Math.ceil(learning.batchSize / 2)
    this.batchResizes += 1
    return learning.batchSize
  }

  /** Batch mode learns in a step of its own, so that it is timed and capped; streaming has only a rest to learn. */
  private end(): StepReport | null {
    this.done = true
    if (!this.learning.learnsAtEnd) {
      this.learning.take(true)
      return null
    }
    const start = performance.now()
    this.learning.fit()
    return {
      rows: 0,
      operators_ms: { learn: performance.now() - start },
      detail: { learning: 'all rows kept' },
    }
  }
}
