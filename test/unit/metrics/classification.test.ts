import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { RocAuc } from '../../../workers/pipeline/metrics/auc.ts'
import {
  ClassificationScore,
  WindowedClassificationScore,
} from '../../../workers/pipeline/metrics/classification.ts'
import { randomNumbers } from '../learn/batches.ts'

const { scores } = JSON.parse(
  readFileSync(new URL('../../fixtures/sklearn-parity.json', import.meta.url), 'utf8'),
) as {
  scores: Record<'truth' | 'score' | 'several' | 'guess', number[]> &
    Record<'roc_auc' | 'log_loss' | 'f1' | 'f1_macro' | 'several_f1_macro', number>
}

function addBinary(score: { add: ClassificationScore['add'] }, i: number): void {
  const p = scores.score[i]!
  const y = scores.truth[i]!
  score.add(y, p > 0.5 ? 1 : 0, y === 1 ? p : 1 - p, p)
}

describe('classification score', () => {
  test('equals scikit-learn on two classes, ties included', () => {
    const score = new ClassificationScore()
    for (const i of scores.truth.keys()) addBinary(score, i)
    const summary = score.summary()
    expect(summary.log_loss).toBeCloseTo(scores.log_loss, 12)
    expect(summary.f1).toBeCloseTo(scores.f1, 12)
    expect(summary.f1_macro).toBeCloseTo(scores.f1_macro, 12)
    expect(summary.roc_auc).toBeCloseTo(scores.roc_auc, 12)
    expect(summary.roc_auc_error).toBe(0)
  })

  test('equals scikit-learn on four classes, one never predicted', () => {
    const score = new ClassificationScore()
    for (const [i, k] of scores.several.entries()) score.add(k, scores.guess[i]!)
    const summary = score.summary()
    expect(summary.f1_macro).toBeCloseTo(scores.several_f1_macro, 12)
    const right = scores.several.filter((k, i) => k === scores.guess[i]).length
    expect(summary.accuracy).toBe(right / scores.several.length)
    expect(summary).toMatchObject({ f1: null, log_loss: null, roc_auc: null })
  })

  test('says null before any row, and where some row had no probability', () => {
    const score = new ClassificationScore()
    expect(score.summary()).toEqual({
      n: 0,
      accuracy: null,
      log_loss: null,
      f1: null,
      f1_macro: null,
      roc_auc: null,
      roc_auc_error: null,
    })
    addBinary(score, 0)
    score.add(1, 1)
    expect(score.summary()).toMatchObject({ n: 2, log_loss: null, roc_auc: null })
  })

  test('a probability of 0 for the true class costs much and not everything', () => {
    const score = new ClassificationScore()
    score.add(1, 0, 0, 0)
    expect(score.summary().log_loss).toBeCloseTo(36.04, 2)
  })

  test('goes on after a round trip, cumulative and windowed', () => {
    let score = new ClassificationScore()
    const straight = new ClassificationScore()
    let windowed = new WindowedClassificationScore(40)
    for (const i of scores.truth.keys()) {
      for (const s of [score, straight, windowed]) addBinary(s, i)
      if (i % 37 !== 0) continue
      score = ClassificationScore.fromJSON(JSON.parse(JSON.stringify(score)))
      windowed = WindowedClassificationScore.fromJSON(JSON.parse(JSON.stringify(windowed)))
    }
    expect(score.summary()).toEqual(straight.summary())
    const last = new ClassificationScore()
    for (let i = 260; i < 300; i += 1) addBinary(last, i)
    expect(windowed.summary()).toEqual(last.summary())
  })
})

const FULL = process.env['STINT_FULL'] === '1'

/** Scores of a learner whose log odds move by `drift` over the rows; positives score higher. */
function drifting(rows: number, drift: number, spread: number, positives = 0.3) {
  const random = randomNumbers(3)
  return Array.from({ length: rows }, (_, i) => {
    const positive = random() < positives
    const noise = random() + random() + random() - 1.5
    const odds = -2 + (drift * i) / rows + spread * (noise + (positive ? 0.4 : 0))
    return { positive, score: 1 / (1 + Math.exp(-odds)) }
  })
}

describe('ROC AUC of a long stream', () => {
  test.each([
    ['that stays', 0, 1, 0.3, 1e-3],
    ['whose scores drift from 0.1 to 0.99', 7, 1, 0.3, 1e-3],
    ['whose scores drift to within 1e-9 of 1', 20, 1, 0.3, 1e-3],
    ['whose scores all lie within 1%', 0, 0.01, 0.3, 0.02],
    ['with one positive in a hundred', 7, 1, 0.01, 1e-3],
  ])('%s is known to a small bound, which holds', (_, drift, spread, positives, bound) => {
    const rows = drifting(FULL ? 200_000 : 100_000, drift, spread, positives)
    const exact = new RocAuc(rows.length)
    const binned = new RocAuc()
    for (const { positive, score } of rows) {
      exact.add(positive, score)
      binned.add(positive, score)
    }
    const [truth, estimate] = [exact.estimate()!, binned.estimate()!]
    expect(truth.error).toBe(0)
    expect(estimate.error).toBeGreaterThan(0)
    expect(estimate.error).toBeLessThan(bound)
    expect(Math.abs(estimate.auc - truth.auc)).toBeLessThanOrEqual(estimate.error)
  })

  test('does not depend on the order of the rows, nor on a checkpoint within', () => {
    const rows = drifting(20_000, 7, 1)
    const of = (order: typeof rows, checkpointed: boolean) => {
      let auc = new RocAuc(2_000)
      for (const [i, { positive, score }] of order.entries()) {
        auc.add(positive, score)
        if (checkpointed && i % 3_000 === 0) auc = RocAuc.fromJSON(JSON.parse(JSON.stringify(auc)))
      }
      return auc.estimate()
    }
    const straight = of(rows, false)
    expect(of(rows, true)).toEqual(straight)
    expect(of([...rows].reverse(), false)).toEqual(straight)
  })

  test('tells the ends apart: 0, 1 and what lies next to them', () => {
    const auc = new RocAuc(1)
    const scores = [0, 2 ** -30, 0.25, 0.4999, 0.5, 0.5001, 0.75, 1 - 2 ** -30, 1]
    for (const score of scores) for (const other of scores) auc.add(score > other, score)
    const state = auc.toJSON()
    expect('bins' in state && state.bins.length).toBe(scores.length)
  })

  test('is unknown while one class is missing, and refuses NaN', () => {
    const auc = new RocAuc()
    auc.add(true, 0.4)
    expect(auc.estimate()).toBeNull()
    auc.add(false, 0.6)
    expect(auc.estimate()).toEqual({ auc: 0, error: 0 })
    expect(() => auc.add(true, Number.NaN)).toThrow(/NaN/)
    expect(() => auc.add(true, 1.5)).toThrow(/from 0 to 1, not 1.5/)
    auc.add(true, 1 + Number.EPSILON)
    auc.add(true, -Number.EPSILON)
    expect(auc.estimate()).toEqual({ auc: 1 / 3, error: 0 })
  })
})
