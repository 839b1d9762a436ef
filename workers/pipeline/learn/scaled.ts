/** A learner behind running standardisation of the dense features and the target, and a bound on its predictions. */
import { isKernelArray, type Kernels, kernelsFor } from '../../kernels.ts'
import { Moments } from '../metrics/moments.ts'
import type { Classifier, EachBatch, FeatureBatch, Learner, LearnerState } from './learner.ts'
import { StandardScaler } from './scaler.ts'
import { readNumber, readObject } from './state.ts'

const FLOAT_BYTES = 8

/** Up to so many are copied faster than a view of them is made. */
const FEW_ENTRIES = 64

export interface ScaledOptions {
  /** Standardise dense features; one-hot columns stay as they are. */
  scale_features: boolean
  /** Standardise the target, so that step sizes do not depend on its unit. */
  scale_target: boolean
  /** Keep predictions within the range of the targets seen. */
  clip: boolean
}

/**
 * Learning takes the batch into the moments first and then learns it standardised by them; predicting uses the moments
 * so far. This is the order of River's `StandardScaler | model` and of scikit-learn's two partial_fit calls.
 */
export class Scaled implements Learner {
  readonly inner: Learner
  readonly options: ScaledOptions
  private scaler = new StandardScaler()
  private targets = new Moments()
  private lowest = Number.POSITIVE_INFINITY
  private highest = Number.NEGATIVE_INFINITY
  private dense = new Float64Array(0) as Float64Array
  private target = new Float64Array(0) as Float64Array
  private readonly fewHot = new Int32Array(FEW_ENTRIES)
  private readonly view: FeatureBatch = {
    rows: 0,
    width: 0,
    dense: this.dense,
    slots: 0,
    hot: new Int32Array(0),
    hotSize: 0,
    target: this.target,
  }

  constructor(inner: Learner, options: ScaledOptions) {
    this.inner = inner
    this.options = options
    if (inner.fitMany !== undefined) this.fitMany = (each) => this.fitScaled(each)
  }

  /** The scale of all rows first, then the inner learner on all rows by that scale. */
  readonly fitMany?: (each: EachBatch) => void

  private fitScaled(each: EachBatch): void {
    each((batch, from, to) => this.takeScale(batch, from, to))
    this.inner.fitMany!((visit) =>
      each((batch, from, to) => {
        this.lookWithTarget(batch, from, to)
        visit(this.view, 0, to - from)
      }),
    )
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const rows = to - from
    this.look(batch, from, to)
    this.inner.predictMany(this.view, 0, rows, out)
    const kernels = kernelsFor(batch, rows)
    if (kernels !== null && isKernelArray(out)) {
      this.finishCompiled(kernels, out, rows)
      return
    }
    if (this.options.scale_target) {
      const { mean } = this.targets
      const deviation = this.targetDeviation()
      for (let i = 0; i < rows; i += 1) out[i] = mean + deviation * out[i]!
    }
    if (this.options.clip && this.lowest <= this.highest) {
      const { lowest, highest } = this
      // Comparisons, which are guessed right, cost less than Math.min and Math.max.
      for (let i = 0; i < rows; i += 1) {
        const prediction = out[i]!
        if (prediction < lowest) out[i] = lowest
        else if (prediction > highest) out[i] = highest
      }
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    if (to <= from) return
    this.takeScale(batch, from, to)
    this.lookWithTarget(batch, from, to)
    this.inner.learnMany(this.view, 0, to - from)
  }

  /** Takes rows into the moments and the range. */
  private takeScale(batch: FeatureBatch, from: number, to: number): void {
    if (this.options.scale_features) this.scaler.learn(batch, from, to)
    if (this.options.scale_target) {
      this.targets.addMany(batch.target, from, to)
    }
    if (this.options.clip) {
      for (let row = from; row < to; row += 1) {
        const y = batch.target[row]!
        if (y < this.lowest) this.lowest = y
        if (y > this.highest) this.highest = y
      }
    }
  }

  /** As `look`, with the targets. */
  private lookWithTarget(batch: FeatureBatch, from: number, to: number): void {
    this.look(batch, from, to)
    const rows = to - from
    const kernels = kernelsFor(batch, rows)
    this.target = roomFor(this.target, rows, kernels)
    const { target } = this
    const raw = batch.target
    if (this.options.scale_target && kernels !== null) {
      const { mean } = this.targets
      const begin = raw.byteOffset + from * FLOAT_BYTES
      kernels.run.scaleTargets(begin, rows, mean, this.targetDeviation(), target.byteOffset)
    } else if (this.options.scale_target) {
      const { mean } = this.targets
      const deviation = this.targetDeviation()
      for (let i = 0; i < rows; i += 1) target[i] = (raw[from + i]! - mean) / deviation
    } else {
      for (let i = 0; i < rows; i += 1) target[i] = raw[from + i]!
    }
    this.view.target = target
  }

  forget(keep: number): void {
    this.scaler.forget(keep)
    this.targets.forget(keep)
    this.inner.forget?.(keep)
  }

  toJSON(): LearnerState {
    return {
      learner: 'scaled',
      options: this.options,
      scaler: this.scaler.toJSON(),
      targets: this.targets.toJSON(),
      range: this.lowest <= this.highest ? [this.lowest, this.highest] : null,
      inner: this.inner.toJSON(),
    }
  }

  /** `restore` makes the inner learner from its own state. */
  static fromJSON(state: LearnerState, restore: (inner: LearnerState) => Learner): Scaled {
    const inner = restore(readObject(state, 'inner') as LearnerState)
    const options = readObject(state, 'options') as unknown as ScaledOptions
    const scaled = isClassifier(inner) ? new ScaledClassifier(inner, options) : new Scaled(inner, options)
    scaled.scaler = StandardScaler.fromJSON(readObject(state, 'scaler'))
    const targets: LearnerState = { ...readObject(state, 'targets'), learner: 'scaled' }
    scaled.targets = Moments.fromJSON({
      n: readNumber(targets, 'n'),
      mean: readNumber(targets, 'mean'),
      m2: readNumber(targets, 'm2'),
    })
    const range = state['range'] as [number, number] | null
    if (range !== null) [scaled.lowest, scaled.highest] = range
    return scaled
  }

  /** Points the inner learner's view at the rows, standardised where asked for; targets are set by learnMany. */
  protected look(batch: FeatureBatch, from: number, to: number): FeatureBatch {
    const rows = to - from
    const { view } = this
    view.rows = rows
    view.width = batch.width
    view.slots = batch.slots
    view.hotSize = batch.hotSize
    const kernels = kernelsFor(batch, rows)
    view.kernels = kernels
    view.hot = this.hotRows(batch, from, rows * batch.slots, kernels)
    this.dense = roomFor(this.dense, rows * batch.width, kernels)
    view.dense = this.dense
    if (this.options.scale_features) {
      this.scaler.transform(batch, from, to, this.dense)
    } else {
      const start = from * batch.width
      for (let i = 0; i < rows * batch.width; i += 1) this.dense[i] = batch.dense[start + i]!
    }
    return view
  }

  /** The one-hot indexes from row `from` on: a view of many, a copy of few. */
  private hotRows(batch: FeatureBatch, from: number, entries: number, kernels: Kernels | null): Int32Array {
    const start = from * batch.slots
    if (kernels !== null || entries > FEW_ENTRIES) return batch.hot.subarray(start, start + entries)
    for (let i = 0; i < entries; i += 1) this.fewHot[i] = batch.hot[start + i]!
    return this.fewHot
  }

  /** What follows a prediction of the inner learner's. */
  private finishCompiled({ run }: Kernels, out: Float64Array, rows: number): void {
    const { lowest, highest } = this
    const { scale_target, clip } = this.options
    if (scale_target) run.unscale(out.byteOffset, rows, this.targets.mean, this.targetDeviation())
    if (clip && lowest <= highest) run.clip(out.byteOffset, rows, lowest, highest)
  }

  /** 1 until the targets vary. */
  private targetDeviation(): number {
    const { variance } = this.targets
    return variance > 0 ? Math.sqrt(variance) : 1
  }
}

/** Room for `size` numbers where the rows' kernels look for it; what it held is lost where it must be made anew. */
function roomFor(values: Float64Array, size: number, kernels: Kernels | null): Float64Array {
  if (values.length >= size && isKernelArray(values) === (kernels !== null)) return values
  if (kernels === null) return new Float64Array(size)
  if (isKernelArray(values)) kernels.free(values)
  return kernels.floats(size)
}

/** The same for class targets, which are never scaled. */
export class ScaledClassifier extends Scaled implements Classifier {
  readonly predictProbabilities?: NonNullable<Classifier['predictProbabilities']>
  private readonly classifier: Classifier

  constructor(inner: Classifier, options: ScaledOptions) {
    super(inner, { ...options, scale_target: false, clip: false })
    this.classifier = inner
    const probabilities = inner.predictProbabilities?.bind(inner)
    if (probabilities !== undefined) {
      this.predictProbabilities = (batch, from, to, out) =>
        probabilities(this.look(batch, from, to), 0, to - from, out)
    }
  }

  get classes(): number {
    return this.classifier.classes
  }
}

/** True where the learner predicts classes. */
export function isClassifier(learner: Learner): learner is Classifier {
  return 'classes' in learner
}
