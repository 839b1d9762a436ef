/** The learning half of the pipeline: from feature rows to scores, for either task and either mode. */
import { mixedBits } from '../data/presets/random.ts'
import type { Kernels } from '../kernels.ts'
import type { WorkloadSettings } from '../workload.ts'
import type { PipelineParams } from './describe.ts'
import { RowBuffer } from './features/row-buffer.ts'
import type { FeatureBatch, Learner, LearnerState, Task } from './learn/learner.ts'
import { chosenLearner } from './learn/options.ts'
import { LEARNERS, learnerFromJSON } from './learn/registry.ts'
import { ClassificationScores, ClassificationWindow } from './metrics/class-scores.ts'
import type { ClassificationScoreState } from './metrics/classification.ts'
import { CurvedScores, type CurvedScoresState, type WindowReading } from './metrics/curve.ts'
import type { RegressionScoreState } from './metrics/regression.ts'
import type { RingState } from './metrics/ring.ts'
import {
  type Reasons,
  RegressionScores,
  RegressionWindow,
  type Scores,
  type WindowScores,
} from './metrics/scores.ts'
import { BASELINES, learnRows, type Model, PredictionRoom, predictRows, scoreRows } from './models.ts'
import { type Observer, Prequential, type PrequentialState, type Taken } from './prequential.ts'
import { RowStore } from './spill/rows.ts'
import type { Spill } from './spill/spill.ts'

/** Passes over the training rows in batch mode, of learners that gain from more than one. */
const EPOCHS = 5

/** A metric: its name, the model in the order of `modelsFor`, and the name of that model's score. */
type Reported = readonly [name: string, model: 0 | 1 | 2, score: string]

const REPORTED: Record<Task, readonly Reported[]> = {
  regression: [
    ['r2', 0, 'r2'],
    ['rmse', 0, 'rmse'],
    ['mae', 0, 'mae'],
    ['r2_mean_baseline', 1, 'r2'],
    ['rmse_mean_baseline', 1, 'rmse'],
    ['mae_mean_baseline', 1, 'mae'],
    ['r2_last_baseline', 2, 'r2'],
    ['rmse_last_baseline', 2, 'rmse'],
    ['mae_last_baseline', 2, 'mae'],
  ],
  classification: [
    ['accuracy', 0, 'accuracy'],
    ['log_loss', 0, 'log_loss'],
    ['f1', 0, 'f1'],
    ['f1_macro', 0, 'f1_macro'],
    ['roc_auc', 0, 'roc_auc'],
    ['accuracy_majority_baseline', 1, 'accuracy'],
    ['accuracy_last_baseline', 2, 'accuracy'],
    ['log_loss_majority_baseline', 1, 'log_loss'],
  ],
}

export interface LearningState {
  learners: LearnerState[]
  /** Rows that each learned since it was fresh. */
  learned: number[]
  scores: unknown[]
  prequential: PrequentialState
  buffer: Record<string, unknown>
}

interface LearningShape {
  task: Task
  /** Dense features and categorical slots per row. */
  width: number
  slots: number
  /** Rows that are expected, for the curve's points. */
  rows: number
  /** Two labels: the class that F1 is of, asked for once both were seen. */
  positiveClass?: () => number
}

export class Learning {
  /** Where features are put. */
  readonly buffer: RowBuffer
  private readonly task: Task
  private readonly params: PipelineParams
  private readonly models: readonly Model[]
  private readonly curved: CurvedScores
  private readonly prequential: Prequential
  /** Batch mode only. */
  private readonly holdout: Holdout | null
  private reported: WindowReading | null = null

  /** @throws {RangeError} where the learner does not take an option that was given */
  constructor(
    shape: LearningShape,
    params: PipelineParams,
    /** `batch_size` as it takes effect. */
    settings: Pick<WorkloadSettings, 'mode' | 'batch_size' | 'random_seed'>,
    /** Where rows go that wait and would take too much memory; null: none do. */
    spill: Spill | null,
    /** What computes, where it can; null: JavaScript. */
    kernels: Kernels | null = null,
    state?: LearningState,
  ) {
    this.task = shape.task
    this.params = params
    this.buffer = new RowBuffer(shape.width, shape.slots, kernels)
    if (state !== undefined) this.buffer.restore(state.buffer)
    const { mode, batch_size, random_seed } = settings
    const batchMode = mode === 'batch'
    this.curved = curvedScores(shape, params, batchMode, state?.scores[0] as CurvedScoresState | undefined)
    this.models = modelsFor(shape, params, random_seed, this.curved, state)
    this.prequential = new Prequential(
      this.models,
      batch_size,
      { labelDelay: params.label_delay, scoreFrom: params.score_from },
      shape,
      spill,
      state?.prequential,
    )
    this.holdout = batchMode ? new Holdout(this.models, batch_size, random_seed, shape, spill) : null
    this.reported = this.curved.reading
  }

  /**
   * Streaming: predicts what waits and handles the full batches, with `last` the rest as well; batch mode: keeps the
   * rows.
   */
  take(last: boolean, taken: Taken | null = null): void {
    if (this.holdout === null) this.prequential.take(this.buffer, last, taken)
    else this.holdout.keep(this.buffer)
  }

  /** True where a last step is needed that learns what batch mode kept. */
  get learnsAtEnd(): boolean {
    return this.holdout !== null
  }

  /** Batch mode: learns and scores what was kept. */
  fit(): void {
    const { learner, epochs } = this.params
    const { baseline, one_pass } = LEARNERS[learner]!
    const once = baseline === true || one_pass === true
    const converges = this.models[0]!.learner.fitMany !== undefined
    this.holdout!.fit(epochs ?? (converges ? null : once ? 1 : EPOCHS))
  }

  /** Told of every scored row: for drift detectors on the error. Streaming only. */
  observe(observer: Observer): void {
    this.prequential.observer = observer
  }

  /** As Prequential.forgetAfter: what drift alarms call. */
  forgetAfter(row: number, keep: number): void {
    this.prequential.forgetAfter(row, keep)
  }

  /** Rows per batch; may change between batches. */
  get batchSize(): number {
    return this.prequential.batchSize
  }

  set batchSize(rows: number) {
    this.prequential.batchSize = rows
  }

  /** Rows with a target whose labels came and were learned. */
  get learned(): number {
    return this.holdout?.learned ?? this.prequential.learned
  }

  /** The windowed scores where they were taken anew since the last call; for the chunk log. */
  windowReading(): WindowReading | null {
    const { reading } = this.curved
    if (reading === this.reported) return null
    this.reported = reading
    return reading
  }

  /** All models are scored over the same rows: `scored` counts them. */
  metrics(): Record<string, number | null> {
    const summaries = this.models.map(({ scores }) => scores.summary())
    const of = ([name, model, score]: Reported) => [name, summaries[model]![score]!] as const
    return { ...Object.fromEntries(REPORTED[this.task].map(of)), scored: this.curved.n }
  }

  /** Why metrics are null, by name; null where none is. */
  private reasons(): Reasons | null {
    const reported = REPORTED[this.task]
    if (this.curved.n === 0) {
      const why = this.whyNothingScored()
      return Object.fromEntries(reported.map(([name]) => [name, why]))
    }
    const byModel = this.models.map(({ scores }) => scores.reasons())
    const found = reported.flatMap(([name, model, score]) => {
      const why = byModel[model]![score]
      return why === undefined ? [] : [[name, why] as const]
    })
    return found.length === 0 ? null : Object.fromEntries(found)
  }

  private whyNothingScored(): string {
    if (this.holdout !== null) {
      const { learned, heldOut } = this.holdout
      return learned === 0
        ? `all ${heldOut} rows were held out, so that nothing was learned: batch mode needs more rows`
        : `none of the ${learned} rows was held out: batch mode needs more rows`
    }
    const { label_delay, score_from } = this.params
    const { predicted, unscored } = this.prequential
    if (unscored < predicted) {
      return `params.score_from leaves out the first ${score_from} rows, and ${predicted} have a target: choose a smaller one`
    }
    const smaller = label_delay === 0 ? 'batch_size' : 'batch_size or params.label_delay'
    const late = label_delay === 0 ? '' : ` and labels come ${label_delay} rows late`
    return `nothing was learned before the last row was predicted: ${predicted} rows have a target, a batch takes ${this.batchSize}${late}; choose a smaller ${smaller}`
  }

  info(): Record<string, unknown> {
    const { label_delay } = this.params
    const late = label_delay === 0 ? '' : `; labels came ${label_delay} rows late`
    const reasons = this.reasons()
    const rocAucError = this.task === 'classification' ? this.curved.summary()['roc_auc_error'] : null
    const curve = this.curved.curve()
    return {
      task: this.task,
      learner: this.params.learner,
      ...this.models[0]!.learner.info?.(),
      learned: this.learned,
      scored: this.curved.n,
      scoring:
        this.holdout === null
          ? `prequential: every batch predicted before it was learned${late}${this.leftOut()}`
          : `holdout: ${HELD_OUT * 100}% of the rows, chosen by seed, never learned`,
      ...(rocAucError !== null && rocAucError !== 0 && { roc_auc_error: rocAucError }),
      ...(reasons !== null && { not_scored: reasons }),
      ...(curve !== null && { curve: { window: this.params.window, ...curve } }),
    }
  }

  /** Which first rows were not scored, and why. */
  private leftOut(): string {
    const { score_from } = this.params
    const { unscored, predicted } = this.prequential
    const asked = Math.min(score_from, predicted)
    if (asked > unscored) return `; the first ${asked} rows not scored, as params.score_from asks`
    return unscored === 0 ? '' : `; the first ${unscored} rows, before anything was learned, not scored`
  }

  toJSON(): LearningState {
    return {
      learners: this.models.map(({ learner }) => learner.toJSON()),
      learned: this.models.map(({ learned }) => learned),
      scores: this.models.map(({ scores }) => scores.toJSON()),
      prequential: this.prequential.toJSON(),
      buffer: this.buffer.toJSON(),
    }
  }
}

function modelsFor(
  { task, positiveClass }: LearningShape,
  params: PipelineParams,
  seed: number,
  curved: CurvedScores,
  state: LearningState | undefined,
): Model[] {
  const restored = (at: number, fresh: () => Learner) =>
    state === undefined ? fresh() : learnerFromJSON(state.learners[at]!)
  const fresh = () => chosenLearner(params, task, seed)
  const baselines = Object.entries(BASELINES[task]).map(([name, make], i) => ({
    name,
    learner: restored(i + 1, make),
    learned: state?.learned[i + 1] ?? 0,
    fresh: make,
    scores: plainScores(task, state?.scores[i + 1], positiveClass),
  }))
  for (const { scores } of baselines) scores.follow?.(curved.scores)
  const learned = state?.learned[0] ?? 0
  return [{ name: 'learner', learner: restored(0, fresh), learned, fresh, scores: curved }, ...baselines]
}

/** Batch mode scores after learning, so a curve over rows would show nothing. */
function curvedScores(
  shape: LearningShape,
  params: PipelineParams,
  batchMode: boolean,
  state: CurvedScoresState | undefined,
): CurvedScores {
  const points = batchMode ? 0 : params.curve_points
  const window = batchMode ? 0 : params.window
  const stride = Math.ceil(shape.rows / Math.max(1, points - 1))
  const { task, positiveClass } = shape
  const scores = plainScores(task, state?.scores, positiveClass)
  return new CurvedScores(
    scores,
    windowScores(task, window, state?.window, positiveClass),
    { points, stride, window },
    state,
  )
}

function plainScores(task: Task, state: unknown, positiveClass: LearningShape['positiveClass']): Scores {
  return task === 'regression'
    ? new RegressionScores(state as RegressionScoreState | undefined)
    : new ClassificationScores(state as ClassificationScoreState | undefined, positiveClass)
}

function windowScores(
  task: Task,
  window: number,
  state: RingState | null | undefined,
  positiveClass: LearningShape['positiveClass'],
): WindowScores | null {
  if (window === 0) return null
  return task === 'regression'
    ? new RegressionWindow(window, state ?? undefined)
    : new ClassificationWindow(window, state ?? undefined, positiveClass)
}

// ---------------------------------------------------------------- hold-out
// Batch mode: all rows are kept, then learned at once on one part and scored on the other.

/** Share of the rows that are scored and not learned. */
const HELD_OUT = 0.2
/** Rows are kept in blocks of about this size, whatever the chunk size. */
const BLOCK_ROWS = 4096
const TWO_32 = 2 ** 32

class Holdout {
  /** Rows learned; 0 until `fit`. */
  learned = 0
  heldOut = 0
  private readonly models: readonly Model[]
  private readonly batchSize: number
  private readonly seed: number
  private readonly train: RowStore
  private readonly test: RowStore
  private readonly blockRows: number
  private rows = 0

  /** @param spill where rows go that would take too much memory; null: none do */
  constructor(
    models: readonly Model[],
    batchSize: number,
    seed: number,
    features: { width: number; slots: number },
    spill: Spill | null,
  ) {
    this.models = models
    this.batchSize = batchSize
    this.seed = seed
    // Whole batches to a block, so that block ends never cut one.
    this.blockRows = batchSize * Math.ceil(BLOCK_ROWS / batchSize)
    const shape = { ...features, blockRows: this.blockRows }
    this.train = new RowStore(shape, spill)
    this.test = new RowStore(shape, spill)
  }

  /**
   * Takes all waiting rows out of the buffer.
   * @throws {SpillError} where they cannot be written
   */
  keep(buffer: RowBuffer): void {
    while (buffer.waiting > 0) {
      const store = mixedBits(this.rows, this.seed) < HELD_OUT * TWO_32 ? this.test : this.train
      store.add(buffer, buffer.first)
      buffer.first += 1
      this.rows += 1
    }
  }

  /**
   * Learns the training rows, `epochs` times over, in batches; null: as well as the learner can. Then scores the
   * held-out rows.
   * @throws {SpillError} where rows cannot be read back
   */
  fit(epochs: number | null): void {
    const { learner } = this.models[0]!
    if (epochs === null && learner.fitMany !== undefined) {
      if (this.train.rows > 0) learner.fitMany((visit) => this.eachBatch(visit))
      this.eachBatch((batch, from, to) => learnRows(this.models.slice(1), batch, from, to))
    } else {
      for (let epoch = 0; epoch < (epochs ?? 1); epoch += 1) {
        this.eachBatch((batch, from, to) => learnRows(this.models, batch, from, to))
      }
    }
    this.learned = this.train.rows
    for (const model of this.models) model.learned = this.learned
    this.heldOut = this.test.rows
    // A model that has learned nothing has no prediction.
    if (this.learned === 0) return
    const room = new PredictionRoom()
    this.test.forEach((block) => {
      const { rows } = block.batch
      const batch = block.upTo(rows)
      const made = room.for(this.models, rows, rows, null)
      predictRows(this.models, batch, 0, rows, made)
      scoreRows(this.models, batch, 0, rows, made, 0)
    })
  }

  private eachBatch(visit: (batch: FeatureBatch, from: number, to: number) => void): void {
    this.train.forEach((block) => {
      const { rows } = block.batch
      for (let from = 0; from < rows; from += this.batchSize) {
        const to = Math.min(rows, from + this.batchSize)
        visit(block.upTo(to), from, to)
      }
    })
  }
}
