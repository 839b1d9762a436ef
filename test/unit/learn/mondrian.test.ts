import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../workers/data/presets/random.ts'
import type { FeatureBatch, LearnerState } from '../../../workers/pipeline/learn/learner.ts'
import { MondrianForest, MondrianForestClassifier } from '../../../workers/pipeline/learn/mondrian-forest.ts'
import { MondrianTree, type TreeShape } from '../../../workers/pipeline/learn/mondrian-tree.ts'
import { createLearner } from '../../../workers/pipeline/learn/registry.ts'
import { prepared, runPipeline } from '../pipeline/support.ts'
import { batchOf, randomBatch } from './batches.ts'

interface Node {
  /** Numbers of the rows in it. */
  rows: number[]
  split: { time: number; feature: number; threshold: number; left: Node; right: Node } | null
}

/**
 * The paper taken at its word: a node is the list of its rows, from which its box, losses and prediction are computed
 * whenever they are asked for, and a prediction weighs every pruning by itself.
 */
class Reference {
  cuts = 0
  private root: Node = { rows: [], split: null }
  private lifetime = Number.POSITIVE_INFINITY
  private readonly x: number[][] = []
  private readonly y: number[] = []
  private readonly shape: TreeShape
  private readonly limit: number
  private readonly random: Random

  constructor(shape: TreeShape, limit: number, random: Random) {
    this.shape = shape
    this.limit = limit
    this.random = random
  }

  learn(x: number[], y: number, scale: number[]): void {
    const row = this.x.push(x) - 1
    this.y.push(y)
    for (let node = this.root, parentTime = 0; ; ) {
      const box = x.map((_, j) => {
        const values = node.rows.map((r) => this.x[r]![j]!)
        return [Math.min(...values), Math.max(...values)] as const
      })
      const pure = node.split === null && node.rows.every((r) => this.y[r] === y)
      const extents = x.map((v, j) => scale[j]! * Math.max(0, box[j]![0] - v, v - box[j]![1]))
      const rate = node.rows.length === 0 ? 0 : extents.reduce((a, b) => a + b, 0)
      const time = rate > 0 && !pure ? parentTime - Math.log(1 - this.random.uniform()) / rate : Infinity
      if (time < (node.split?.time ?? Infinity) && time < this.lifetime) {
        let left = this.random.uniform() * rate
        const feature = extents.findIndex((extent) => {
          left -= extent
          return left < 0
        })
        const [low, high] = box[feature]!
        const [from, to] = x[feature]! > high ? [high, x[feature]!] : [x[feature]!, low]
        const threshold = from + this.random.uniform() * (to - from)
        const [old, leaf] = [
          { ...node, rows: [...node.rows] },
          { rows: [row], split: null },
        ]
        const [before, after] = x[feature]! > high ? [old, leaf] : [leaf, old]
        node.split = { time, feature, threshold, left: before, right: after }
        node.rows.push(row)
        break
      }
      node.rows.push(row)
      if (node.split === null) break
      parentTime = node.split.time
      node = x[node.split.feature]! <= node.split.threshold ? node.split.left : node.split.right
    }
    while (this.nodes().length + 2 > this.limit) this.shorten()
  }

  /** By class, or the one number. */
  predict(x: number[], step: number, dirichlet: number): number[] {
    const prunings = this.prunings(this.root, x, step, dirichlet)
    const total = prunings.reduce((sum, { weight }) => sum + weight, 0)
    return prunings[0]!.prediction.map(
      (_, k) => prunings.reduce((sum, { weight, prediction }) => sum + weight * prediction[k]!, 0) / total,
    )
  }

  nodes(node = this.root): Node[] {
    return node.split === null
      ? [node]
      : [node, ...this.nodes(node.split.left), ...this.nodes(node.split.right)]
  }

  private shorten(): void {
    const times = this.nodes().flatMap(({ split }) => (split === null ? [] : [split.time]))
    this.lifetime = times.sort((a, b) => a - b)[Math.floor(0.9 * times.length)]!
    this.cuts += 1
    for (const node of this.nodes()) if ((node.split?.time ?? 0) >= this.lifetime) node.split = null
  }

  /** Every pruning of the tree below the node, with its weight and what it predicts for x. */
  private prunings(node: Node, x: number[], step: number, dirichlet: number): Weighted[] {
    const own = {
      weight: Math.exp(-step * this.losses(node, dirichlet)),
      prediction: this.mean(node.rows, dirichlet),
    }
    if (node.split === null) return [own]
    const { left, right, feature, threshold } = node.split
    const [lefts, rights] = [left, right].map((child) => this.prunings(child, x, step, dirichlet))
    const isLeft = x[feature]! <= threshold
    const pairs = lefts!.flatMap((a) =>
      rights!.map((b) => ({
        weight: 0.5 * a.weight * b.weight,
        prediction: isLeft ? a.prediction : b.prediction,
      })),
    )
    return [{ ...own, weight: 0.5 * own.weight }, ...pairs]
  }

  private losses(node: Node, dirichlet: number): number {
    return node.rows.slice(1).reduce((sum, row, i) => {
      const before = this.mean(node.rows.slice(0, i + 1), dirichlet)
      const y = this.y[row]!
      return sum + (this.shape.classes === 0 ? (y - before[0]!) ** 2 : -Math.log(before[y]!))
    }, 0)
  }

  private mean(rows: number[], dirichlet: number): number[] {
    const { classes } = this.shape
    if (classes === 0) return [rows.reduce((sum, row) => sum + this.y[row]!, 0) / rows.length]
    return Array.from({ length: classes }, (_, k) => {
      const count = rows.filter((row) => this.y[row] === k).length
      return (count + dirichlet) / (rows.length + dirichlet * classes)
    })
  }
}

interface Weighted {
  weight: number
  prediction: number[]
}

const FULL = process.env['STINT_FULL'] === '1'

const SHAPES = [
  { features: 2, classes: 0 },
  { features: 3, classes: 3 },
]

describe.each(SHAPES)('a tree of %j', (shape) => {
  const { features, classes } = shape

  test('is the one that the paper describes, weighted over all its prunings, with and without a bound', () => {
    let cuts = 0
    const value = fc.integer({ min: -4, max: 4 })
    const target = classes === 0 ? fc.integer({ min: -2, max: 2 }) : fc.nat({ max: classes - 1 })
    const row = fc.tuple(fc.array(value, { minLength: features, maxLength: features }), target)
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 11 }),
        fc.integer({ min: 3, max: 21 }),
        fc.nat(),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        (rows, limit, seed, step) => {
          const scale = Array.from({ length: features }, (_, j) => 0.3 + 0.4 * j)
          const rules = { bytes: MondrianTree.bytesOf(shape, limit), forgetting: 1, dirichlet: 0.5 }
          const tree = new MondrianTree(shape, rules, new Random(seed))
          const reference = new Reference(shape, limit, new Random(seed))
          for (const [x, y] of rows) {
            tree.learn(Float64Array.from(x), y, Float64Array.from(scale), step)
            reference.learn(x, y, scale)
            expect(tree.nodes).toBe(reference.nodes().length)
            expect(tree.nodes).toBeLessThanOrEqual(limit)
          }
          for (const x of [...rows.map(([at]) => at), rows[0]![0].map((v) => v + 1.5)]) {
            const out = new Float64Array(classes || 1)
            tree.predict(Float64Array.from(x), out, 0)
            const expected = reference.predict(x, step, rules.dirichlet)
            for (const [k, p] of expected.entries()) expect(out[k]).toBeCloseTo(p, 9)
          }
          cuts += reference.cuts
        },
      ),
      { numRuns: 300 },
    )
    expect(cuts).toBeGreaterThan(100)
  })
})

/** The first split of a tree: its time, threshold and feature, out of its state. */
function rootSplit(tree: MondrianTree): { time: number; threshold: number; feature: number } {
  const { numbers, links } = tree.toJSON() as { numbers: string; links: string }
  const [time, threshold] = new Float64Array(new Uint8Array(Buffer.from(numbers, 'base64')).buffer)
  const feature = new Int32Array(new Uint8Array(Buffer.from(links, 'base64')).buffer)[2]
  return { time: time!, threshold: threshold!, feature: feature! }
}

test('in whatever order rows come, splits follow the law of a Mondrian process over all of them', () => {
  const rows = [
    [0, 0],
    [1, 6],
    [4, 2],
    [3, 1],
  ]
  const scale = Float64Array.of(0.5, 0.25)
  // Extents 4 x 0.5 and 6 x 0.25.
  const rate = 3.5
  const trials = 4000
  for (const order of [rows, [...rows].reverse()]) {
    const splits = Array.from({ length: trials }, (_, seed) => {
      const tree = new MondrianTree(
        { features: 2, classes: 0 },
        { bytes: 1e6, forgetting: 1, dirichlet: 0.5 },
        new Random(seed),
      )
      for (const [i, x] of order.entries()) tree.learn(Float64Array.from(x), i, scale, 1)
      return rootSplit(tree)
    })
    /** The Kolmogorov-Smirnov distance times the root of the number is above 1.63 once in a hundred. */
    const distance = (quantiles: number[]) => {
      const sorted = quantiles.sort((a, b) => a - b)
      const gaps = sorted.map((q, i) =>
        Math.max(Math.abs(q - i / sorted.length), Math.abs(q - (i + 1) / sorted.length)),
      )
      return Math.max(...gaps) * Math.sqrt(sorted.length)
    }
    expect(distance(splits.map(({ time }) => 1 - Math.exp(-rate * time)))).toBeLessThan(1.63)
    const first = splits.filter(({ feature }) => feature === 0)
    expect(Math.abs(first.length / trials - 2 / rate)).toBeLessThan(0.02)
    expect(distance(first.map(({ threshold }) => threshold / 4))).toBeLessThan(1.63)
    const second = splits.filter(({ feature }) => feature === 1)
    expect(distance(second.map(({ threshold }) => threshold / 6))).toBeLessThan(1.63)
  }
})

function learnt(
  learner: MondrianForest | MondrianForestClassifier,
  batch: FeatureBatch,
  size = 1,
): Float64Array {
  for (let from = 0; from < batch.rows; from += size) {
    learner.learnMany(batch, from, Math.min(batch.rows, from + size))
  }
  const out = new Float64Array(batch.rows)
  learner.predictMany(batch, 0, batch.rows, out)
  return out
}

/** Bytes of all nodes, out of a state. */
function nodeBytes(state: LearnerState): number {
  const trees = state['trees'] as { tree: { numbers: string; links: string } }[]
  return trees.reduce(
    (sum, { tree }) =>
      sum + Buffer.byteLength(tree.numbers, 'base64') + Buffer.byteLength(tree.links, 'base64'),
    0,
  )
}

describe('a forest', () => {
  test('draws the same for the same seed only, and has these bits on every version of Node', () => {
    const batch = randomBatch(3, { rows: 300, width: 3, categories: [5] })
    const bits = (seed: number) =>
      createHash('sha256')
        .update(
          new Uint8Array(learnt(new MondrianForest({ forgetting: 0.99, trees: 3 }, seed), batch).buffer),
        )
        .digest('hex')
        .slice(0, 16)
    expect(bits(1)).toBe(bits(1))
    expect(bits(1)).not.toBe(bits(2))
    expect(bits(1)).toBe('f80330ed6eba9184')
  })

  test('keeps within its memory, whatever comes, and goes on learning', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1000 }),
        fc.double({ min: 0.012, max: 0.2, noNaN: true }),
        fc.constantFrom(0, 4),
        (seed, forest_memory_mb, classes) => {
          const batch = randomBatch(seed, { rows: 400, width: 3, categories: [4], classes })
          const options = { forest_memory_mb, trees: 4 }
          const learner =
            classes === 0 ? new MondrianForest(options, seed) : new MondrianForestClassifier(options, seed)
          for (let from = 0; from < 400; from += 10) {
            learner.learnMany(batch, from, from + 10)
            expect(nodeBytes(learner.toJSON())).toBeLessThanOrEqual(forest_memory_mb * 1024 * 1024)
          }
          const trees = learner.toJSON()['trees'] as { tree: { ticks: number } }[]
          expect(trees.map(({ tree }) => tree.ticks)).toEqual([400, 400, 400, 400])
        },
      ),
      { numRuns: FULL ? 20 : 8 },
    )
  })

  test('says so where its memory holds no split', () => {
    const batch = randomBatch(1, { rows: 10, width: 200, categories: [3] })
    expect(() => new MondrianForest({ forest_memory_mb: 0.01 }).learnMany(batch, 0, 10)).toThrow(
      /forest_memory_mb 0.01 is too small for one split in each of 10 trees over 201 features: at least 0.094 is needed/,
    )
  })

  test('predicts alike whatever the units of the features and of the target', () => {
    const batch = randomBatch(8, { rows: 200, width: 3, categories: [3] })
    const other = {
      ...batch,
      // Powers of two, so that nothing rounds.
      dense: batch.dense.map((v, i) => v * [1024, 1 / 64, 2][i % 3]!),
      target: batch.target.map((y) => y * 4096),
    }
    const [a, b] = [learnt(new MondrianForest({}, 5), batch), learnt(new MondrianForest({}, 5), other)]
    for (const [i, value] of b.entries()) expect(value / 4096).toBeCloseTo(a[i]!, 9)
  })

  test('takes up classes that come late', () => {
    const batch = batchOf(
      Array.from({ length: 90 }, (_, i) => [i]),
      Array.from({ length: 90 }, (_, i) => Math.floor(i / 30)),
    )
    const learner = new MondrianForestClassifier({ forest_memory_mb: 0.03 }, 1)
    for (let row = 0; row < 90; row += 1) {
      learner.learnMany(batch, row, row + 1)
      expect(learner.classes).toBe(batch.target[row]! + 1)
      const out = new Float64Array(learner.classes)
      learner.predictProbabilities(batch, row, row + 1, out)
      expect(out.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12)
    }
    const out = new Float64Array(90)
    learner.predictMany(batch, 0, 90, out)
    const right = out.filter((k, row) => k === batch.target[row]).length
    expect(right).toBeGreaterThan(80)
    expect(() => learner.learnMany({ ...batch, target: batch.target.map(() => 0.5) }, 0, 1)).toThrow(
      /a class must be a whole number from 0, not 0.5/,
    )
  })

  test('parts categories, seen and empty, though they have no order', () => {
    const hot = Array.from({ length: 600 }, (_, i) => [i % 7 === 6 ? -1 : i % 7])
    const means = [5, -3, 8, 0, -9, 4, 1]
    const batch = batchOf(
      hot.map(() => []),
      hot.map((_, i) => means[i % 7]! + 0.01 * (i % 3)),
      hot,
    )
    const out = learnt(new MondrianForest({}, 2), batch)
    for (let i = 590; i < 600; i += 1) expect(Math.abs(out[i]! - means[i % 7]!)).toBeLessThan(0.5)
  })

  test('with forgetting follows a target that turned round; forget() helps one that did not forget', () => {
    const rows = randomBatch(2, { rows: 1200, width: 2 })
    const target = rows.target.map((_, r) => {
      const [a, b] = [rows.dense[r * 2]!, rows.dense[r * 2 + 1]! - 10]
      return (r < 800 ? 1 : -1) * Math.sign(a * b) * 5
    })
    const batch = { ...rows, target }
    const error = (learner: MondrianForest, keep: number) => {
      const out = new Float64Array(1)
      let sum = 0
      for (let row = 0; row < 1200; row += 1) {
        if (row === 830) learner.forget(keep)
        if (row >= 850) {
          learner.predictMany(batch, row, row + 1, out)
          sum += (out[0]! - target[row]!) ** 2 / 350
        }
        learner.learnMany(batch, row, row + 1)
      }
      return sum
    }
    const plain = error(new MondrianForest({}, 1), 1)
    expect(error(new MondrianForest({ forgetting: 0.99 }, 1), 1)).toBeLessThan(0.6 * plain)
    expect(error(new MondrianForest({}, 1), 0.02)).toBeLessThan(0.6 * plain)
  })

  test('is never merged', () => {
    expect(() => new MondrianForest().merge(new MondrianForest())).toThrow(
      /cannot be merged: each tree is drawn/,
    )
    expect(() => new MondrianForestClassifier().merge(new MondrianForestClassifier())).toThrow(
      /cannot be merged/,
    )
  })
})

describe('on a function of position (fixtures/make-position.mjs)', () => {
  const path = fileURLToPath(new URL('../../fixtures/position.csv', import.meta.url))
  const numbers = () => prepared(path, { target: 'speed', columns: { sector: 'drop' } })
  const labels = () => prepared(path, { target: 'sector', columns: { speed: 'drop' } })

  test('learns numbers that no linear learner can, row by row, in batches and in batch mode', async () => {
    const r2 = async (learner: string, held = {}) =>
      (await runPipeline(await numbers(), { learner }, held)).metrics['r2']!
    expect(await r2('ridge')).toBeLessThan(0.3)
    expect(await r2('mondrian_forest')).toBeGreaterThan(0.85)
    expect(await r2('mondrian_forest', { batch_size: 32 })).toBeGreaterThan(0.8)
    expect(await r2('mondrian_forest', { mode: 'batch', batch_size: 32 })).toBeGreaterThan(0.9)
  })

  test('learns labels that no linear learner can', async () => {
    const accuracy = async (learner: string) =>
      (await runPipeline(await labels(), { learner })).metrics['accuracy']!
    expect(await accuracy('softmax')).toBeLessThan(0.6)
    expect(await accuracy('mondrian_forest_classifier')).toBeGreaterThan(0.8)
  })

  test('says what memory it took, and how often that was used up', async () => {
    const forest = async (params = {}) =>
      (await runPipeline(await numbers(), { learner: 'mondrian_forest', ...params })).info!['forest']
    const whole = (await forest()) as Record<string, number>
    // A tree with a leaf for each of 1,200 rows has as many splits but one; a few leaves share a speed.
    expect(whole['nodes']!).toBeGreaterThan(23_900)
    expect(whole['nodes']!).toBeLessThanOrEqual(23_990)
    expect(whole['memory_mb']).toBe((whole['nodes']! * (68 + 2 * 16)) / 1024 / 1024)
    expect(whole['memory_used_up']).toBe(0)
    const small = (await forest({ forest_memory_mb: 0.2 })) as Record<string, number>
    expect(small['memory_mb']!).toBeGreaterThan(0.1)
    expect(small['memory_mb']!).toBeLessThanOrEqual(0.2)
    expect(small['memory_used_up']!).toBeGreaterThan(10)
  })

  test('takes its draws from random_seed', async () => {
    const r2 = async (random_seed: number) =>
      (await runPipeline(await numbers(), { learner: 'mondrian_forest', trees: 2 }, { random_seed })).metrics[
        'r2'
      ]
    expect(await r2(1)).toBe(await r2(1))
    expect(await r2(1)).not.toBe(await r2(2))
  })
})

test('every option is in the registry with its default', () => {
  for (const name of ['mondrian_forest', 'mondrian_forest_classifier']) {
    expect(() => createLearner(name, { trees: 0 })).toThrow(/"trees" must be a integer from 1 to 1000, not 0/)
    expect(() => createLearner(name, { forest_memory_mb: 0 })).toThrow(/above 0/)
  }
})
