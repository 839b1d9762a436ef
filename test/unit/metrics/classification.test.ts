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

describe('ROC AUC of a long stream', () => {
  test('stays within the bound it reports once scores are binned, under drift too', () => {
    const random = randomNumbers(3)
    const exact = new RocAuc(100_000)
    let binned = new RocAuc(2_000)
    for (let i = 0; i < 30_000; i += 1) {
      const positive = random() < 0.3
      const score = (positive ? 0.3 : 0) + random() + i / 30_000
      exact.add(positive, score)
      binned.add(positive, score)
      if (i % 9_000 === 0) binned = RocAuc.fromJSON(JSON.parse(JSON.stringify(binned)))
    }
    const truth = exact.estimate()!
    const estimate = binned.estimate()!
    expect(truth.error).toBe(0)
    expect(estimate.error).toBeGreaterThan(0)
    expect(estimate.error).toBeLessThan(0.15)
    expect(Math.abs(estimate.auc - truth.auc)).toBeLessThanOrEqual(estimate.error)
  })

  test('is unknown while one class is missing, and refuses NaN', () => {
    const auc = new RocAuc()
    auc.add(true, 0.4)
    expect(auc.estimate()).toBeNull()
    auc.add(false, 0.6)
    expect(auc.estimate()).toEqual({ auc: 0, error: 0 })
    expect(() => auc.add(true, Number.NaN)).toThrow(/NaN/)
  })
})
