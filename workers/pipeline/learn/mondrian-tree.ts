/** One online Mondrian tree with a prediction in every node and a weight for every pruning. */
import { Random } from '../../data/presets/random.ts'
import type { LearnerState } from './learner.ts'
import { encodeFloats, encodeInts, readFloats, readInts, readNumber, readObject } from './state.ts'

/** What a tree sees of rows: numbers of so many features, and the targets' classes; 0 for targets that are numbers. */
export interface TreeShape {
  features: number
  classes: number
}

export interface TreeRules {
  /** Most bytes that the nodes take. */
  bytes: number
  /** Weight of a row relative to the next one's, in (0, 1]. */
  forgetting: number
  /** Rows of each class that a node counts before it has seen any. */
  dirichlet: number
}

/** Integers of a node: its children, -1 for a leaf, and the feature that it splits. */
const LINKS = 3
const [LEFT, RIGHT, FEATURE] = [0, 1, 2]

/** Numbers of a node: when it splits (a leaf: never), and where. */
const TIME = 0
const THRESHOLD = 1
/** Log of the weight of its own prediction, and of the mean over all prunings of the tree below it. */
const WEIGHT = 2
const SUBTREE = 3
/** Weight of its rows, and the row up to which that and the log weights are counted. */
const COUNT = 4
const TICK = 5
/** The mean target or the weight by class; then the lowest and the highest value of each feature. */
const VALUES = 6

/** A split takes two nodes beside the one that it splits. */
export const FEWEST_NODES = 3
/** Share of the splits, the earliest, that stay when there is no room for another. */
const KEPT = 0.9
const FIRST_CAPACITY = 16
/** Arrays grow by so much that all they leave to the collector is at most two thirds of what they then are. */
const GROWTH = 4

type Four = [number, number, number, number]

/**
 * Grows as the Mondrian process restricted to the rows seen (Lakshminarayanan, Roy and Teh 2014): a row that lies
 * outside a node's box splits it at a time drawn from the exponential distribution whose rate is the scaled distance,
 * if that comes before the node's own split. Every node predicts by the rows in it, and the tree by the mean over all
 * its prunings, each weighted by exp(-step x its losses so far) and its prior (context tree weighting; Mourtada,
 * Gaiffas and Scornet 2021, "AMF").
 *
 * Where the nodes have no room for another split, the lifetime of the process ends at an earlier time: the latest tenth
 * of the splits is undone and none as late is made again. What is left is the tree that a process of that lifetime
 * grows from the same draws, since each node kept its own statistics.
 */
export class MondrianTree {
  readonly rules: TreeRules
  shape: TreeShape
  /** How often the lifetime was shortened. */
  cuts = 0
  private lifetime = Number.POSITIVE_INFINITY
  private readonly random: Random
  private readonly logForgetting: number
  private size = 0
  private ticks = 0
  /** Most nodes. */
  private limit: number
  /** Numbers of a node. */
  private stride: number
  private numbers = new Float64Array(0)
  private links = new Int32Array(0)
  private path = new Int32Array(64)
  private readonly extents: Float64Array

  /** @throws {RangeError} where there is no room for a split */
  constructor(shape: TreeShape, rules: TreeRules, random: Random) {
    this.shape = shape
    this.rules = rules
    this.random = random
    this.logForgetting = Math.log(rules.forgetting)
    this.stride = strideOf(shape)
    this.limit = this.nodesFor(shape)
    this.extents = new Float64Array(shape.features)
  }

  /** Bytes that so many nodes of a tree take. */
  static bytesOf(shape: TreeShape, nodes: number): number {
    return nodes * (strideOf(shape) * Float64Array.BYTES_PER_ELEMENT + LINKS * Int32Array.BYTES_PER_ELEMENT)
  }

  get nodes(): number {
    return this.size
  }

  /** Bytes of all nodes. */
  get bytes(): number {
    return MondrianTree.bytesOf(this.shape, this.size)
  }

  /**
   * Takes a row in.
   * @param scale by feature: chance of a split per unit of distance and of time
   * @param step weight of a loss: of -ln of the class's probability, or of a squared error
   */
  learn(x: Float64Array, y: number, scale: Float64Array, step: number): void {
    this.ticks += 1
    if (this.size === 0) {
      this.add(this.leafAt(x), x, y)
      return
    }
    let depth = 0
    let node = 0
    let parentTime = 0
    for (;;) {
      depth = this.noted(depth, node)
      const time = this.splitTime(node, x, y, scale, parentTime)
      const ownTime = this.numbers[node * this.stride + TIME]!
      if (time < ownTime && time < this.lifetime) {
        const leaf = this.split(node, x, time)
        this.weigh(node, y, step)
        this.add(node, x, y)
        this.add(leaf, x, y)
        depth = this.noted(depth, leaf)
        break
      }
      this.weigh(node, y, step)
      this.add(node, x, y)
      if (this.isLeaf(node)) break
      parentTime = ownTime
      node = this.childFor(node, x)
    }
    for (let at = depth - 1; at >= 0; at -= 1) this.aggregate(this.path[at]!)
    this.makeRoom()
  }

  /** Adds the prediction for a row to `out`: from `at` on one probability by class, or at `at` the number. */
  predict(x: Float64Array, out: Float64Array, at: number): void {
    if (this.size === 0) return
    const { numbers, links, stride, shape, rules } = this
    const { classes } = shape
    /** Of the prunings that have no leaf higher up on the path. */
    let share = 1
    for (let node = 0; ; ) {
      const base = node * stride
      const left = links[node * LINKS]!
      // Half of the prior goes to each node's being a leaf.
      const own =
        left < 0 ? share : share * 0.5 * Math.exp(numbers[base + WEIGHT]! - numbers[base + SUBTREE]!)
      if (classes === 0) out[at]! += own * numbers[base + VALUES]!
      else {
        const { dirichlet } = rules
        const total = numbers[base + COUNT]! + dirichlet * classes
        for (let k = 0; k < classes; k += 1) {
          out[at + k]! += (own * (numbers[base + VALUES + k]! + dirichlet)) / total
        }
      }
      if (left < 0) return
      share -= own
      const feature = links[node * LINKS + FEATURE]!
      node = x[feature]! <= numbers[base + THRESHOLD]! ? left : links[node * LINKS + RIGHT]!
    }
  }

  /** As Learner.forget: the prior over prunings weighs more beside the losses that are left. */
  forget(keep: number): void {
    const { numbers, stride, shape } = this
    for (let node = 0; node < this.size; node += 1) {
      const base = node * stride
      numbers[base + WEIGHT]! *= keep
      numbers[base + COUNT]! *= keep
      for (let k = 0; k < shape.classes; k += 1) numbers[base + VALUES + k]! *= keep
    }
    const order = this.preorder()
    for (let at = order.length - 1; at >= 0; at -= 1) this.aggregate(order[at]!)
  }

  /**
   * Makes room for classes that come late.
   * @throws {RangeError} as the constructor
   */
  widen(classes: number): void {
    const { shape, stride, numbers } = this
    if (classes <= shape.classes) return
    const wider = { ...shape, classes }
    const limit = this.nodesFor(wider)
    while (this.size > limit) this.shorten()
    const room = strideOf(wider)
    const moved = new Float64Array(Math.min(limit, this.links.length / LINKS) * room)
    for (let node = 0; node < this.size; node += 1) {
      const from = node * stride
      const boxes = from + VALUES + shape.classes
      moved.set(numbers.subarray(from, boxes), node * room)
      moved.set(numbers.subarray(boxes, from + stride), node * room + VALUES + classes)
    }
    this.numbers = moved
    this.links = this.links.slice(0, (moved.length / room) * LINKS)
    this.shape = wider
    this.stride = room
    this.limit = limit
    this.makeRoom()
  }

  toJSON(): Record<string, unknown> {
    return {
      shape: this.shape,
      ticks: this.ticks,
      cuts: this.cuts,
      lifetime: this.lifetime === Number.POSITIVE_INFINITY ? null : this.lifetime,
      random: this.random.toJSON(),
      numbers: encodeFloats(this.numbers.subarray(0, this.size * this.stride)),
      links: encodeInts(this.links.subarray(0, this.size * LINKS)),
    }
  }

  /** @throws {TypeError} where the fields are not what a tree wrote */
  static fromJSON(learner: string, fields: Record<string, unknown>, rules: TreeRules): MondrianTree {
    const state: LearnerState = { ...fields, learner }
    const shape: LearnerState = { ...readObject(state, 'shape'), learner }
    const random: LearnerState = { ...readObject(state, 'random'), learner }
    const [a, b, c, counter] = ['a', 'b', 'c', 'counter'].map((name) => readNumber(random, name)) as Four
    const tree = new MondrianTree(
      { features: readNumber(shape, 'features'), classes: readNumber(shape, 'classes') },
      rules,
      Random.fromJSON({ a, b, c, counter }),
    )
    tree.ticks = readNumber(state, 'ticks')
    tree.cuts = readNumber(state, 'cuts')
    if (state['lifetime'] !== null) tree.lifetime = readNumber(state, 'lifetime')
    tree.numbers = readFloats(state, 'numbers')
    tree.links = readInts(state, 'links')
    tree.size = tree.links.length / LINKS
    return tree
  }

  /** @throws {RangeError} where a split does not fit */
  private nodesFor(shape: TreeShape): number {
    const nodes = Math.floor(this.rules.bytes / MondrianTree.bytesOf(shape, 1))
    if (nodes < FEWEST_NODES) throw new RangeError('no room for a split')
    return nodes
  }

  private isLeaf(node: number): boolean {
    return this.links[node * LINKS + LEFT]! < 0
  }

  private childFor(node: number, x: Float64Array): number {
    const { links } = this
    const feature = links[node * LINKS + FEATURE]!
    const isLeft = x[feature]! <= this.numbers[node * this.stride + THRESHOLD]!
    return links[node * LINKS + (isLeft ? LEFT : RIGHT)]!
  }

  /** Notes the node on the path. @returns the depth after it */
  private noted(depth: number, node: number): number {
    if (depth === this.path.length) {
      const longer = new Int32Array(depth * 2)
      longer.set(this.path)
      this.path = longer
    }
    this.path[depth] = node
    return depth + 1
  }

  /** When the row would split the node; never where it lies in the box, or the leaf has only targets like this one. */
  private splitTime(
    node: number,
    x: Float64Array,
    y: number,
    scale: Float64Array,
    parentTime: number,
  ): number {
    const { numbers, extents, shape, stride } = this
    const low = node * stride + VALUES + (shape.classes || 1)
    const high = low + shape.features
    let rate = 0
    for (let j = 0; j < shape.features; j += 1) {
      const value = x[j]!
      const below = numbers[low + j]! - value
      const above = value - numbers[high + j]!
      const extent = below > 0 ? below * scale[j]! : above > 0 ? above * scale[j]! : 0
      extents[j] = extent
      rate += extent
    }
    if (!(rate > 0) || (this.isLeaf(node) && this.isPure(node, y))) return Number.POSITIVE_INFINITY
    return parentTime - Math.log(1 - this.random.uniform()) / rate
  }

  private isPure(node: number, y: number): boolean {
    const base = node * this.stride
    // One row with another target would have been a loss.
    if (this.shape.classes === 0)
      return this.numbers[base + VALUES] === y && this.numbers[base + WEIGHT] === 0
    return this.numbers[base + VALUES + y] === this.numbers[base + COUNT]
  }

  /**
   * Puts a split in the node's place, above it, at a feature in proportion to its extent and a threshold between the box
   * and the row. The node keeps its number and box, and what it was becomes a child.
   * @returns the other child, a new leaf for the row
   */
  private split(node: number, x: Float64Array, time: number): number {
    const { random, extents } = this
    const feature = drawn(extents, random.uniform())
    const old = this.copyOf(node)
    const leaf = this.leafAt(x)
    const { numbers, links, stride, shape } = this
    const base = node * stride
    const low = base + VALUES + (shape.classes || 1) + feature
    const value = x[feature]!
    const isRight = value > numbers[low]!
    const [from, to] = isRight ? [numbers[low + shape.features]!, value] : [value, numbers[low]!]
    const threshold = from + random.uniform() * (to - from)
    numbers[base + TIME] = time
    // A row at the threshold goes left, so that it must not round up to what is on the right.
    numbers[base + THRESHOLD] = threshold < to ? threshold : from
    links[node * LINKS + LEFT] = isRight ? old : leaf
    links[node * LINKS + RIGHT] = isRight ? leaf : old
    links[node * LINKS + FEATURE] = feature
    return leaf
  }

  private newNode(): number {
    const node = this.size
    if (node * LINKS === this.links.length) {
      const wanted = Math.max(FIRST_CAPACITY, node * GROWTH)
      // Not almost all of what is allowed, to be left for a little more.
      const capacity = wanted * 2 > this.limit ? this.limit : wanted
      const numbers = new Float64Array(capacity * this.stride)
      numbers.set(this.numbers)
      const links = new Int32Array(capacity * LINKS)
      links.set(this.links)
      this.numbers = numbers
      this.links = links
    }
    this.size += 1
    return node
  }

  private copyOf(node: number): number {
    const copy = this.newNode()
    const { numbers, links, stride } = this
    numbers.copyWithin(copy * stride, node * stride, (node + 1) * stride)
    links.copyWithin(copy * LINKS, node * LINKS, (node + 1) * LINKS)
    return copy
  }

  /** A leaf without rows whose box is the row. */
  private leafAt(x: Float64Array): number {
    const leaf = this.newNode()
    const { numbers, links, stride, shape } = this
    const base = leaf * stride
    numbers.fill(0, base, base + stride)
    numbers[base + TIME] = Number.POSITIVE_INFINITY
    numbers[base + TICK] = this.ticks
    const low = base + VALUES + (shape.classes || 1)
    for (let j = 0; j < shape.features; j += 1) {
      numbers[low + j] = x[j]!
      numbers[low + shape.features + j] = x[j]!
    }
    links[leaf * LINKS + LEFT] = -1
    links[leaf * LINKS + RIGHT] = -1
    links[leaf * LINKS + FEATURE] = -1
    return leaf
  }

  /** Weighs the node by how well it would have predicted, from the rows before this one. */
  private weigh(node: number, y: number, step: number): void {
    const { numbers, shape, rules } = this
    const base = node * this.stride
    this.age(node)
    if (shape.classes === 0) {
      const error = y - numbers[base + VALUES]!
      numbers[base + WEIGHT]! -= step * error * error
      return
    }
    const { dirichlet } = rules
    const total = numbers[base + COUNT]! + dirichlet * shape.classes
    numbers[base + WEIGHT]! += step * Math.log((numbers[base + VALUES + y]! + dirichlet) / total)
  }

  /** Counts the row, and extends the node's box over it. */
  private add(node: number, x: Float64Array, y: number): void {
    const { numbers, shape, stride } = this
    const base = node * stride
    const low = base + VALUES + (shape.classes || 1)
    const high = low + shape.features
    for (let j = 0; j < shape.features; j += 1) {
      const value = x[j]!
      if (value < numbers[low + j]!) numbers[low + j] = value
      else if (value > numbers[high + j]!) numbers[high + j] = value
    }
    const count = numbers[base + COUNT]! + 1
    numbers[base + COUNT] = count
    if (shape.classes > 0) numbers[base + VALUES + y]! += 1
    else numbers[base + VALUES]! += (y - numbers[base + VALUES]!) / count
  }

  /** Gives what the node holds the weight that it has by now. */
  private age(node: number): void {
    const { numbers, shape } = this
    const base = node * this.stride
    const keep = this.keptBy(this.ticks, node)
    if (keep === 1) return
    numbers[base + TICK] = this.ticks
    numbers[base + WEIGHT]! *= keep
    numbers[base + COUNT]! *= keep
    for (let k = 0; k < shape.classes; k += 1) numbers[base + VALUES + k]! *= keep
  }

  /** Weight that the node's rows have kept by a tick since it last met one. */
  private keptBy(tick: number, node: number): number {
    if (this.logForgetting === 0) return 1
    return Math.exp(this.logForgetting * (tick - this.numbers[node * this.stride + TICK]!))
  }

  /** Takes the mean over the prunings below the node anew; its children's are as they should be. */
  private aggregate(node: number): void {
    const { numbers, links, stride } = this
    const base = node * stride
    const own = numbers[base + WEIGHT]!
    const left = links[node * LINKS + LEFT]!
    if (left < 0) {
      numbers[base + SUBTREE] = own
      return
    }
    const right = links[node * LINKS + RIGHT]!
    const tick = numbers[base + TICK]!
    const below =
      numbers[left * stride + SUBTREE]! * this.keptBy(tick, left) +
      numbers[right * stride + SUBTREE]! * this.keptBy(tick, right)
    const [larger, smaller] = own > below ? [own, below] : [below, own]
    numbers[base + SUBTREE] = larger + Math.log1p(Math.exp(smaller - larger)) - Math.LN2
  }

  private makeRoom(): void {
    while (this.size + FEWEST_NODES - 1 > this.limit && this.size > 1) this.shorten()
  }

  /** Ends the process earlier, so that the latest splits are undone. */
  private shorten(): void {
    const { numbers, links, stride } = this
    const times = scratch.numbers(this.size)
    let splits = 0
    for (let node = 0; node < this.size; node += 1) {
      if (this.isLeaf(node)) continue
      times[splits] = numbers[node * stride + TIME]!
      splits += 1
    }
    this.lifetime = times.subarray(0, splits).sort()[Math.floor(KEPT * splits)]!
    this.cuts += 1
    for (let node = 0; node < this.size; node += 1) {
      if (this.isLeaf(node) || numbers[node * stride + TIME]! < this.lifetime) continue
      numbers[node * stride + TIME] = Number.POSITIVE_INFINITY
      links.fill(-1, node * LINKS, (node + 1) * LINKS)
    }
    const order = this.preorder()
    for (let at = order.length - 1; at >= 0; at -= 1) this.aggregate(order[at]!)
    this.compact(order)
  }

  /** The nodes that the root leads to, parents before their children; valid until the next call of any tree. */
  private preorder(): Int32Array {
    const { links } = this
    const order = scratch.order(this.size)
    let found = 0
    let waiting = 1
    // The nodes that wait stand at the far end, where those that were found cannot reach them.
    order[this.size - 1] = 0
    while (waiting > 0) {
      const node = order[this.size - waiting]!
      waiting -= 1
      order[found] = node
      found += 1
      if (this.isLeaf(node)) continue
      order[this.size - waiting - 1] = links[node * LINKS + RIGHT]!
      order[this.size - waiting - 2] = links[node * LINKS + LEFT]!
      waiting += 2
    }
    return order.subarray(0, found)
  }

  /** Moves the nodes of `kept` together; the root, which is the first, stays the first. */
  private compact(kept: Int32Array): void {
    const { numbers, links, stride } = this
    const places = scratch.places(this.size).fill(-1, 0, this.size)
    for (let at = 0; at < kept.length; at += 1) places[kept[at]!] = 0
    let place = 0
    // In the order of their numbers, so that none moves onto one that has yet to move.
    for (let node = 0; node < this.size; node += 1) {
      if (places[node]! < 0) continue
      places[node] = place
      numbers.copyWithin(place * stride, node * stride, (node + 1) * stride)
      links.copyWithin(place * LINKS, node * LINKS, (node + 1) * LINKS)
      place += 1
    }
    this.size = place
    for (let node = 0; node < this.size; node += 1) {
      if (this.isLeaf(node)) continue
      links[node * LINKS + LEFT] = places[links[node * LINKS + LEFT]!]!
      links[node * LINKS + RIGHT] = places[links[node * LINKS + RIGHT]!]!
    }
  }
}

/** Room that all trees of a thread use in turn, so that none is left behind each time that a tree gets shorter. */
class Scratch {
  private floats = new Float64Array(0)
  private first = new Int32Array(0)
  private second = new Int32Array(0)

  numbers(size: number): Float64Array {
    if (this.floats.length < size) this.floats = new Float64Array(size * 2)
    return this.floats
  }

  order(size: number): Int32Array {
    if (this.first.length < size) this.first = new Int32Array(size * 2)
    return this.first
  }

  places(size: number): Int32Array {
    if (this.second.length < size) this.second = new Int32Array(size * 2)
    return this.second
  }
}

const scratch = new Scratch()

function strideOf({ features, classes }: TreeShape): number {
  return VALUES + (classes || 1) + 2 * features
}

/** An index drawn in proportion to its weight by `uniform`, in [0, 1); of weights that are not all 0. */
function drawn(weights: Float64Array, uniform: number): number {
  let total = 0
  for (let j = 0; j < weights.length; j += 1) total += weights[j]!
  let left = uniform * total
  let last = -1
  for (let j = 0; j < weights.length; j += 1) {
    const weight = weights[j]!
    if (weight === 0) continue
    last = j
    if (left < weight) break
    left -= weight
  }
  return last
}
