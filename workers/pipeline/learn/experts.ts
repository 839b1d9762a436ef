/** Learners side by side, weighted by how they did: never much worse than the best of them. */
import { FixedShare } from './fixed-share.ts'
import type { Classifier, EachBatch, FeatureBatch, Judging, Learner, LearnerState } from './learner.ts'
import { encodeFloats, grownFloats, readFloats, readNumber } from './state.ts'

export interface ExpertsOptions {
  /** How fast weights follow the losses. */
  eta: number
  /** Share of the weights that goes back to the prior with each row. */
  share: number
  /** Members differ in how they step only: `fitMany` would bring all to one place, so that the first goes there alone. */
  alike?: boolean
}

export interface Member<L extends Learner = Learner> {
  /** As a user would write it. */
  name: string
  learner: L
  /** Makes it anew; only what was restored from its state has none. */
  fresh?: () => Learner
  /** What it is trusted at first, beside the others. */
  prior: number
}

/** A squared error is held against the running mean of the mixture's, and counts as 1 from so many times that on. */
const LARGE_ERROR = 10
/** The running mean of squared errors forgets no faster than this. */
const SPREAD_RATE = 0.02
/** Share of every prediction of labels that is taken as spread evenly where it is judged: nothing is impossible. */
const DOUBT = 0.001
/** Batch mode weighs members by every so many-th row, which they do not learn at first. */
const FOLDS = 5

/** The mean of the members' predictions by their weights. A member's loss is its squared error, cut off and scaled. */
export class Experts implements Learner, Judging {
  readonly judges: number
  readonly members: Learner[]
  readonly options: ExpertsOptions
  private readonly hedge: FixedShare
  private readonly makers: (() => Learner)[]
  private readonly names: readonly string[]
  private learned = 0
  /** Running mean of the mixture's squared errors, over so many rows. */
  private spread = 0
  private judged = 0
  private made: Float64Array[]
  private readonly room: RowRoom

  constructor(members: readonly Member[], options: ExpertsOptions) {
    this.members = members.map(({ learner }) => learner)
    this.makers = makersOf(members)
    this.names = members.map(({ name }) => name)
    this.judges = members.length
    this.options = options
    this.hedge = new FixedShare(
      members.map(({ prior }) => prior),
      options.eta,
      options.share,
    )
    this.made = members.map(() => new Float64Array(0))
    this.room = new RowRoom()
  }

  /** Weights of the members; they sum to 1. */
  get weights(): Float64Array {
    return this.hedge.weights.slice()
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const rows = to - from
    this.predictEach(batch, from, to)
    const { weights } = this.hedge
    out.fill(0, 0, rows)
    for (let k = 0; k < this.judges; k += 1) {
      const made = this.made[k]!
      for (let i = 0; i < rows; i += 1) out[i]! += weights[k]! * made[i]!
    }
  }

  judge(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    if (!this.room.holds(batch, from, to)) this.predictEach(batch, from, to)
    const { judges } = this
    for (let k = 0; k < judges; k += 1) {
      const made = this.made[k]!
      for (let i = 0; i < to - from; i += 1) out[i * judges + k] = made[i]!
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    this.weigh(batch, from, to)
    this.learnMembers(batch, from, to)
  }

  learnJudged(batch: FeatureBatch, from: number, to: number, made: Float64Array, at: number): void {
    this.weighJudged(batch, from, to, made, at)
    this.learnMembers(batch, from, to)
  }

  /** Weighs the members by what they make of rows that they did not learn. */
  private weigh(batch: FeatureBatch, from: number, to: number): void {
    if (this.learned === 0) return
    const made = new Float64Array((to - from) * this.judges)
    this.judge(batch, from, to, made)
    this.weighJudged(batch, from, to, made, 0)
  }

  private weighJudged(batch: FeatureBatch, from: number, to: number, made: Float64Array, at: number): void {
    const { judges, hedge } = this
    const losses = new Float64Array(judges)
    for (let row = from, base = at; row < to; row += 1, base += judges) {
      // Rows that came before anything was learned have no predictions.
      if (Number.isNaN(made[base]!)) continue
      const y = batch.target[row]!
      let mean = 0
      for (let k = 0; k < judges; k += 1) mean += hedge.weights[k]! * made[base + k]!
      this.judged += 1
      this.spread += ((mean - y) * (mean - y) - this.spread) * Math.max(SPREAD_RATE, 1 / this.judged)
      const unit = 1 / (LARGE_ERROR * this.spread)
      for (let k = 0; k < judges; k += 1) {
        const error = made[base + k]! - y
        const loss = error * error * unit
        losses[k] = loss < 1 ? loss : error === 0 ? 0 : 1
      }
      hedge.update(losses, to - from)
    }
  }

  /** What the members weigh now. */
  info(): Record<string, unknown> {
    return { experts: Object.fromEntries(this.names.map((name, k) => [name, this.hedge.weights[k]])) }
  }

  /** Weights go back that far towards where they began, with the next row. */
  forget(keep: number): void {
    this.hedge.forget(keep)
    for (const member of this.members) member.forget?.(keep)
  }

  /** Members learn four rows in five and are weighed by the fifth; then they learn all rows. */
  fitMany(each: EachBatch): void {
    this.fitMembers(allBut(each, FOLDS))
    heldOut(each, FOLDS)((batch, from, to) => this.weigh(batch, from, to))
    for (const [m, make] of this.makers.entries()) this.members[m] = make() as (typeof this.members)[number]
    this.learned = 0
    this.fitMembers(each)
  }

  toJSON(): LearnerState {
    const { options, hedge, learned, spread, judged } = this
    return {
      learner: 'experts',
      options,
      prior: encodeFloats(hedge.prior),
      weights: encodeFloats(hedge.weights),
      kept: hedge.kept,
      ...{ learned, spread, judged },
      names: this.names,
      members: this.members.map((member) => member.toJSON()),
    }
  }

  /** `restore` makes a member from its own state. */
  static fromJSON(state: LearnerState, restore: (member: LearnerState) => Learner): Experts {
    const learner = new Experts(...restored(state, restore))
    learner.hedge.weights.set(readFloats(state, 'weights'))
    learner.hedge.prior.set(readFloats(state, 'prior'))
    learner.hedge.kept = readNumber(state, 'kept')
    learner.learned = readNumber(state, 'learned')
    learner.spread = readNumber(state, 'spread')
    learner.judged = readNumber(state, 'judged')
    return learner
  }

  private predictEach(batch: FeatureBatch, from: number, to: number): void {
    const rows = to - from
    for (let k = 0; k < this.judges; k += 1) {
      const room = grownFloats(this.made[k] as Float64Array<ArrayBuffer>, rows)
      this.made[k] = room
      this.members[k]!.predictMany(batch, from, to, room)
    }
    this.room.take(batch, from, to)
  }

  private learnMembers(batch: FeatureBatch, from: number, to: number): void {
    this.room.clear()
    for (const member of this.members) member.learnMany(batch, from, to)
    this.learned += to - from
  }

  private fitMembers(each: EachBatch): void {
    this.room.clear()
    for (const member of this.members) fitMember(member, each)
    each((_batch, from, to) => {
      this.learned += to - from
    })
  }
}

/**
 * The mean of the members' probabilities by their weights. A member's loss is its log loss; of one that gives a class
 * and no probabilities it is taken that it is right as often as it was so far.
 */
export class ExpertsClassifier implements Classifier, Judging {
  readonly judges: number
  readonly members: Classifier[]
  readonly options: ExpertsOptions
  classes = 0
  private readonly hedge: FixedShare
  private readonly makers: (() => Learner)[]
  private readonly names: readonly string[]
  private learned = 0
  /** By member without probabilities: rows judged and rows right. */
  private readonly tries: Float64Array<ArrayBuffer>
  private readonly right: Float64Array<ArrayBuffer>
  /** By member: rows x classes. */
  private readonly made: Float64Array<ArrayBuffer>[]
  private mixed = new Float64Array(0)
  private own = new Float64Array(0)
  private readonly room = new RowRoom()

  constructor(members: readonly Member<Classifier>[], options: ExpertsOptions) {
    this.members = members.map(({ learner }) => learner)
    this.makers = makersOf(members)
    this.names = members.map(({ name }) => name)
    this.judges = members.length
    this.options = options
    this.hedge = new FixedShare(
      members.map(({ prior }) => prior),
      options.eta,
      options.share,
    )
    this.tries = new Float64Array(members.length)
    this.right = new Float64Array(members.length)
    this.made = members.map(() => new Float64Array(0))
  }

  /** Weights of the members; they sum to 1. */
  get weights(): Float64Array {
    return this.hedge.weights.slice()
  }

  predictMany(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const { classes } = this
    this.mixed = grownFloats(this.mixed, (to - from) * classes)
    const { mixed } = this
    this.predictProbabilities(batch, from, to, mixed)
    for (let i = 0; i < to - from; i += 1) {
      let best = 0
      for (let k = 1; k < classes; k += 1) if (mixed[i * classes + k]! > mixed[i * classes + best]!) best = k
      out[i] = best
    }
  }

  predictProbabilities(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    const size = (to - from) * this.classes
    this.predictEach(batch, from, to)
    out.fill(0, 0, size)
    for (let m = 0; m < this.members.length; m += 1) {
      const weight = this.hedge.weights[m]!
      const made = this.made[m]!
      for (let i = 0; i < size; i += 1) out[i]! += weight * made[i]!
    }
  }

  judge(batch: FeatureBatch, from: number, to: number, out: Float64Array): void {
    if (!this.room.holds(batch, from, to)) this.predictEach(batch, from, to)
    const { judges, classes } = this
    for (let i = 0; i < to - from; i += 1) {
      const k = batch.target[from + i]!
      for (let m = 0; m < judges; m += 1) {
        // A class that is new to all is held against none.
        out[i * judges + m] =
          k < classes ? DOUBT / classes + (1 - DOUBT) * this.made[m]![i * classes + k]! : 1
      }
    }
  }

  learnMany(batch: FeatureBatch, from: number, to: number): void {
    this.weigh(batch, from, to)
    this.learnMembers(batch, from, to)
  }

  learnJudged(batch: FeatureBatch, from: number, to: number, made: Float64Array, at: number): void {
    this.weighJudged(batch, from, to, made, at)
    this.learnMembers(batch, from, to)
  }

  /** Weighs the members by what they make of rows that they did not learn. */
  private weigh(batch: FeatureBatch, from: number, to: number): void {
    if (this.learned === 0) return
    const made = new Float64Array((to - from) * this.judges)
    this.judge(batch, from, to, made)
    this.weighJudged(batch, from, to, made, 0)
  }

  private weighJudged(batch: FeatureBatch, from: number, to: number, made: Float64Array, at: number): void {
    const { judges, hedge } = this
    const losses = new Float64Array(judges)
    for (let row = from, base = at; row < to; row += 1, base += judges) {
      if (Number.isNaN(made[base]!)) continue
      for (let m = 0; m < judges; m += 1) losses[m] = -Math.log(made[base + m]!)
      hedge.update(losses, to - from)
    }
    this.countRight(batch, from, to)
  }

  /** What the members weigh now. */
  info(): Record<string, unknown> {
    return { experts: Object.fromEntries(this.names.map((name, k) => [name, this.hedge.weights[k]])) }
  }

  /** Weights go back that far towards where they began, with the next row. */
  forget(keep: number): void {
    this.hedge.forget(keep)
    for (const member of this.members) member.forget?.(keep)
  }

  /** Members learn four rows in five and are weighed by the fifth; then they learn all rows. */
  fitMany(each: EachBatch): void {
    if (this.options.alike === true) {
      this.members.splice(1)
      this.hedge.only(0)
      this.fitMembers(each)
      return
    }
    this.fitMembers(allBut(each, FOLDS))
    heldOut(each, FOLDS)((batch, from, to) => this.weigh(batch, from, to))
    for (const [m, make] of this.makers.entries()) this.members[m] = make() as (typeof this.members)[number]
    this.learned = 0
    this.fitMembers(each)
  }

  toJSON(): LearnerState {
    const { options, hedge, learned, classes, tries, right } = this
    return {
      learner: 'experts_classifier',
      options,
      prior: encodeFloats(hedge.prior),
      weights: encodeFloats(hedge.weights),
      kept: hedge.kept,
      ...{ learned, classes },
      tries: encodeFloats(tries),
      right: encodeFloats(right),
      names: this.names,
      members: this.members.map((member) => member.toJSON()),
    }
  }

  /** `restore` makes a member from its own state. */
  static fromJSON(state: LearnerState, restore: (member: LearnerState) => Learner): ExpertsClassifier {
    const [members, options] = restored(state, restore)
    const learner = new ExpertsClassifier(members as Member<Classifier>[], options)
    learner.hedge.weights.set(readFloats(state, 'weights'))
    learner.hedge.prior.set(readFloats(state, 'prior'))
    learner.hedge.kept = readNumber(state, 'kept')
    learner.learned = readNumber(state, 'learned')
    learner.classes = readNumber(state, 'classes')
    learner.tries.set(readFloats(state, 'tries'))
    learner.right.set(readFloats(state, 'right'))
    return learner
  }

  private predictEach(batch: FeatureBatch, from: number, to: number): void {
    const { classes } = this
    const rows = to - from
    for (let m = 0; m < this.members.length; m += 1) {
      const made = grownFloats(this.made[m]!, rows * classes)
      this.made[m] = made
      const member = this.members[m]!
      const known = member.classes
      this.own = grownFloats(this.own, rows * Math.max(1, known))
      const { own } = this
      if (member.predictProbabilities !== undefined) {
        member.predictProbabilities(batch, from, to, own)
        for (let i = 0; i < rows; i += 1) {
          for (let k = 0; k < classes; k += 1) {
            made[i * classes + k] = k < known ? own[i * known + k]! : 0
          }
        }
      } else {
        member.predictMany(batch, from, to, own)
        // Laplace's rule: of n tries r were right.
        const right = (this.right[m]! + 1) / (this.tries[m]! + 2)
        const wrong = classes > 1 ? (1 - right) / (classes - 1) : 0
        for (let i = 0; i < rows; i += 1) {
          for (let k = 0; k < classes; k += 1) {
            made[i * classes + k] = own[i] === k ? right : wrong
          }
        }
      }
    }
    this.room.take(batch, from, to)
  }

  /** How often members without probabilities are right, as they are before they learn the rows. */
  private countRight(batch: FeatureBatch, from: number, to: number): void {
    for (let m = 0; m < this.judges; m += 1) {
      const member = this.members[m]!
      if (member.predictProbabilities !== undefined) continue
      this.own = grownFloats(this.own, to - from)
      member.predictMany(batch, from, to, this.own)
      for (let i = 0; i < to - from; i += 1) if (this.own[i] === batch.target[from + i]) this.right[m]! += 1
      this.tries[m]! += to - from
    }
  }

  private learnMembers(batch: FeatureBatch, from: number, to: number): void {
    this.room.clear()
    for (let row = from; row < to; row += 1) this.classes = Math.max(this.classes, batch.target[row]! + 1)
    for (const member of this.members) member.learnMany(batch, from, to)
    this.learned += to - from
  }

  private fitMembers(each: EachBatch): void {
    this.room.clear()
    each((batch, from, to) => {
      for (let row = from; row < to; row += 1) this.classes = Math.max(this.classes, batch.target[row]! + 1)
      this.learned += to - from
    })
    for (const member of this.members) fitMember(member, each)
  }
}

function fitMember(member: Learner, each: EachBatch): void {
  if (member.fitMany !== undefined) member.fitMany(each)
  else each((batch, from, to) => member.learnMany(batch, from, to))
}

/** The rows but every `folds`th, in runs between these. */
function allBut(each: EachBatch, folds: number): EachBatch {
  return (visit) => {
    let row = 0
    each((batch, from, to) => {
      let start = from
      for (let at = from; at < to; at += 1, row += 1) {
        if (row % folds !== folds - 1) continue
        if (at > start) visit(batch, start, at)
        start = at + 1
      }
      if (to > start) visit(batch, start, to)
    })
  }
}

/** Every `folds`th row. */
function heldOut(each: EachBatch, folds: number): EachBatch {
  return (visit) => {
    let row = 0
    each((batch, from, to) => {
      for (let at = from; at < to; at += 1, row += 1) if (row % folds === folds - 1) visit(batch, at, at + 1)
    })
  }
}

function makersOf(members: readonly Member[]): (() => Learner)[] {
  return members.flatMap(({ fresh }) => (fresh === undefined ? [] : [fresh]))
}

/** Whose predictions the members' room holds: those of the rows that were just predicted need not be made again. */
class RowRoom {
  private batch: FeatureBatch | null = null
  private from = 0
  private to = 0

  take(batch: FeatureBatch, from: number, to: number): void {
    this.batch = batch
    this.from = from
    this.to = to
  }

  clear(): void {
    this.batch = null
  }

  holds(batch: FeatureBatch, from: number, to: number): boolean {
    return this.batch === batch && this.from === from && this.to === to
  }
}

function restored(
  state: LearnerState,
  restore: (member: LearnerState) => Learner,
): [members: Member[], options: ExpertsOptions] {
  const { members, names, options } = state as unknown as {
    members: LearnerState[]
    names: string[]
    options: ExpertsOptions
  }
  if (!Array.isArray(members) || !Array.isArray(names)) {
    throw new TypeError(`state of learner "${state.learner}": "members" and "names" must be lists`)
  }
  return [members.map((member, k) => ({ name: names[k]!, learner: restore(member), prior: 1 })), options]
}
