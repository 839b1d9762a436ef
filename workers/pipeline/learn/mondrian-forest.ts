/** Aggregated Mondrian forests: what no linear model can learn, row by row and within a bound on memory. */
import { mixedBits, Random } from '../../data/presets/random.ts'
import { Moments } from '../metrics/moments.ts'
import type { Classifier, FeatureBatch, Learner, LearnerState } from './learner.ts'
import { FEWEST_NODES, MondrianTree, type TreeRules, type TreeShape } from './mondrian-tree.ts'
import { StandardScaler } from './scaler.ts'
import { grownFloats, readNumber, readObject } from './state.ts'

export interface MondrianOptions {
  trees: number
  /** Weight of a loss against the prior over prunings: of -ln of the class's probability, or of error^2 / variance. */
  step: number
  /** Weight of a row relative to the next one's, in (0, 1]; 1 forgets nothing. */
  forgetting: number
  /** Length of the line on which a slot's categories lie; a uniform dense feature is 1 long. */
  category_weight: number
  /** Most memory of all nodes. */
  forest_memory_mb: number
  /** Rows of each class that a node counts before it has seen any; of no effect on numbers. */
  dirichlet: number
}

export const MONDRIAN_DEFAULTS: MondrianOptions = {
  trees: 10,
  step: 1,
  forgetting: 1,
  category_weight: 0.5,
  forest_memory_mb: 16,
  dirichlet: 0.5,
}

const BYTES_PER_MB = 1024 * 1024
const TWO_32 = 2 ** 32
/** A uniform distribution is so many deviations wide. */
const UNIFORM_WIDTH = Math.sqrt(12)

interface Member {
  tree: MondrianTree
  /** Of the places of its categories. */
  seed: number
}

/**
 * The trees and what they share. Dense features keep their units: only the chance that a split takes a feature goes by
 * its running deviation, so that a threshold stays where it was drawn. A categorical slot is one feature more: each
 * tree puts its categories, and the lack of one, at random places on a line, so that a split parts them at random.
 */
class Forest {
  readonly name: string
  readonly options: MondrianOptions
  classes = 0
  private readonly seed: number
  private scaler = new StandardScaler()
  private members: readonly Member[] = []
  private x = new Float64Array(0)
  private scale = new Float64Array(0)

  /** `name`: the learner's name in its state. */
  constructor(name: string, options: Partial<MondrianOptions>, seed: number) {
    this.name = name
    this.options = { ...MONDRIAN_DEFAULTS, ...options }
    this.seed = seed
    const { trees, forgetting } = this.options
    if (!(Number.isInteger(trees) && trees > 0)) {
      throw new RangeError(`trees must be a whole number from 1, not ${trees}`)
    }
    if (!(forgetting > 0 && forgetting <= 1)) {
      throw new RangeError(`forgetting must be above 0 and at most 1, not ${forgetting}`)
    }
  }

  /**
   * Learns rows one after the other, once the batch went into the deviations.
   * @param classes known with this batch; 0 for numbers
   * @throws {RangeError} where the memory holds no split, or on rows of another width
   */
  learn(batch: FeatureBatch, from: number, to: number, classes: number, step: number): void {
    const { width, slots, target } = batch
    this.scaler.learn(batch, from, to)
    this.prepare({ features: width + slots, classes })
    const { x, scale } = this
    const inverses = this.scaler.inverses()
    for (let j = 0; j < width; j += 1) scale[j] = inverses[j]! / UNIFORM_WIDTH
    scale.fill(this.options.category_weight, width)
    for (const { tree, seed } of this.members) {
      for (let row = from; row < to; row += 1) {
        this.look(batch, row, seed)
        tree.learn(x, target[row]!, scale, step)
      }
    }
  }

  /** Writes the mean of the trees' predictions to `out`: a number per row, or one probability by class. */
  predict(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const { members, x } = this
    const each = this.classes || 1
    const values = (to - from) * each
    out.fill(0, 0, values)
    for (const { tree, seed } of members) {
      for (let row = from; row < to; row += 1) {
        this.look(batch, row, seed)
        tree.predict(x, out, (row - from) * each)
      }
    }
    if (members.length > 1) for (let at = 0; at < values; at += 1) out[at]! /= members.length
  }

  forget(keep: number): void {
    this.scaler.forget(keep)
    for (const { tree } of this.members) tree.forget(keep)
  }

  info(): Record<string, unknown> {
    const trees = this.members.map(({ tree }) => tree)
    const sum = (of: (tree: MondrianTree) => number) => trees.reduce((total, tree) => total + of(tree), 0)
    return {
      forest: {
        nodes: sum(({ nodes }) => nodes),
        memory_mb: sum(({ bytes }) => bytes) / BYTES_PER_MB,
        memory_used_up: sum(({ cuts }) => cuts),
      },
    }
  }

  toJSON(): LearnerState {
    const { name, options, seed, classes, scaler } = this
    const trees = this.members.map((member) => ({ seed: member.seed, tree: member.tree.toJSON() }))
    return { learner: name, options, seed, classes, scaler: scaler.toJSON(), trees }
  }

  /** @throws {TypeError} where the state is not what a forest wrote */
  static fromJSON(state: LearnerState): Forest {
    const { learner } = state
    const forest = new Forest(learner, readObject(state, 'options'), readNumber(state, 'seed'))
    forest.classes = readNumber(state, 'classes')
    forest.scaler = StandardScaler.fromJSON(readObject(state, 'scaler'))
    const trees = state['trees']
    if (!Array.isArray(trees)) throw new TypeError(`state of learner "${learner}": "trees" must be a list`)
    const rules = forest.rules()
    forest.members = trees.map((fields: Record<string, unknown>) => {
      const member: LearnerState = { ...fields, learner }
      const tree = MondrianTree.fromJSON(learner, readObject(member, 'tree'), rules)
      return { tree, seed: readNumber(member, 'seed') }
    })
    const [first] = forest.members
    if (first !== undefined) forest.makeRoom(first.tree.shape.features)
    return forest
  }

  private rules(): TreeRules {
    const { trees, forgetting, dirichlet, forest_memory_mb } = this.options
    return { forgetting, dirichlet, bytes: (forest_memory_mb * BYTES_PER_MB) / trees }
  }

  /** Plants the trees, or lets them know of classes that came late. */
  private prepare(shape: TreeShape): void {
    const { members } = this
    if (members.length > 0 && shape.classes <= this.classes) return
    const { trees, forest_memory_mb } = this.options
    const needed = (trees * MondrianTree.bytesOf(shape, FEWEST_NODES)) / BYTES_PER_MB
    if (needed > forest_memory_mb) {
      const classes = shape.classes === 0 ? '' : ` and ${shape.classes} labels`
      throw new RangeError(
        `forest_memory_mb ${forest_memory_mb} is too small for one split in each of ${trees} trees over ${shape.features} features${classes}: at least ${Math.ceil(needed * 1000) / 1000} is needed`,
      )
    }
    this.classes = shape.classes
    if (members.length > 0) {
      for (const { tree } of members) tree.widen(shape.classes)
      return
    }
    this.makeRoom(shape.features)
    const seeds = new Random(this.seed)
    this.members = Array.from({ length: trees }, () => ({
      tree: new MondrianTree(shape, this.rules(), new Random(seeds.bits() >>> 0)),
      seed: seeds.bits() >>> 0,
    }))
  }

  private makeRoom(features: number): void {
    this.x = new Float64Array(features)
    this.scale = new Float64Array(features)
  }

  /** The row as the tree with that seed sees it. */
  private look({ dense, width, hot, slots }: FeatureBatch, row: number, seed: number): void {
    const { x } = this
    for (let j = 0, at = row * width; j < width; j += 1, at += 1) x[j] = dense[at]!
    for (let s = 0, at = row * slots; s < slots; s += 1, at += 1) {
      x[width + s] = mixedBits(hot[at]!, seed) / TWO_32
    }
  }
}

/** Predicts numbers: the mean over the trees. Losses are squared errors in units of the targets' running variance. */
export class MondrianForest implements Learner {
  private forest: Forest
  private targets = new Moments()

  constructor(options: Partial<MondrianOptions> = {}, seed = 0) {
    this.forest = new Forest('mondrian_forest', options, seed)
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    this.forest.predict(batch, from, to, out)
  }

  /** @throws {RangeError} where forest_memory_mb holds no split */
  learnMany(batch: FeatureBatch, from: number, to: number): void {
    if (to <= from) return
    this.targets.addMany(batch.target, from, to)
    const { variance } = this.targets
    const { step } = this.forest.options
    this.forest.learn(batch, from, to, 0, variance > 0 ? step / variance : 0)
  }

  /** @throws {RangeError} always */
  merge(_other: MondrianForest): never {
    throw notMerged()
  }

  forget(keep: number): void {
    this.targets.forget(keep)
    this.forest.forget(keep)
  }

  info(): Record<string, unknown> {
    return this.forest.info()
  }

  toJSON(): LearnerState {
    return { ...this.forest.toJSON(), targets: this.targets.toJSON() }
  }

  static fromJSON(state: LearnerState): MondrianForest {
    const learner = new MondrianForest()
    learner.forest = Forest.fromJSON(state)
    const targets: LearnerState = { ...readObject(state, 'targets'), learner: state.learner }
    learner.targets = Moments.fromJSON({
      n: readNumber(targets, 'n'),
      mean: readNumber(targets, 'mean'),
      m2: readNumber(targets, 'm2'),
    })
    return learner
  }
}

/** Predicts labels by the mean of the trees' probabilities; labels may appear at any time. */
export class MondrianForestClassifier implements Classifier {
  private forest: Forest
  private probabilities = new Float64Array(0)

  constructor(options: Partial<MondrianOptions> = {}, seed = 0) {
    this.forest = new Forest('mondrian_forest_classifier', options, seed)
  }

  get classes(): number {
    return this.forest.classes
  }

  /** The most probable class, the lowest index on a tie; 0 before any row. */
  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const { classes } = this
    this.probabilities = grownFloats(this.probabilities, (to - from) * Math.max(1, classes))
    const { probabilities } = this
    this.forest.predict(batch, from, to, probabilities)
    for (let row = 0; row < to - from; row += 1) {
      let best = 0
      const base = row * classes
      for (let k = 1; k < classes; k += 1) {
        if (probabilities[base + k]! > probabilities[base + best]!) best = k
      }
      out[row] = best
    }
  }

  predictProbabilities(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    if (this.classes > 0) this.forest.predict(batch, from, to, out)
  }

  /** @throws {RangeError} on a target that is no class index, or where forest_memory_mb holds no split */
  learnMany(batch: FeatureBatch, from: number, to: number): void {
    if (to <= from) return
    let { classes } = this
    for (let row = from; row < to; row += 1) {
      const k = batch.target[row]!
      if (!(Number.isInteger(k) && k >= 0)) {
        throw new RangeError(`a class must be a whole number from 0, not ${k}`)
      }
      if (k >= classes) classes = k + 1
    }
    this.forest.learn(batch, from, to, classes, this.forest.options.step)
  }

  /** @throws {RangeError} always */
  merge(_other: MondrianForestClassifier): never {
    throw notMerged()
  }

  forget(keep: number): void {
    this.forest.forget(keep)
  }

  info(): Record<string, unknown> {
    return this.forest.info()
  }

  toJSON(): LearnerState {
    return this.forest.toJSON()
  }

  static fromJSON(state: LearnerState): MondrianForestClassifier {
    const learner = new MondrianForestClassifier()
    learner.forest = Forest.fromJSON(state)
    return learner
  }
}

function notMerged(): RangeError {
  return new RangeError(
    'Mondrian forests cannot be merged: each tree is drawn row by row, and two trees have no common splits',
  )
}
