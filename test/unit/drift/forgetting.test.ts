import { describe, expect, it } from 'vitest'
import { givenParams } from '../../../workers/pipeline/describe.ts'
import { checkForgetting } from '../../../workers/pipeline/drift/forgetting.ts'
import { CHOICES, chosenLearner } from '../../../workers/pipeline/learn/options.ts'
import { LEARNERS } from '../../../workers/pipeline/learn/registry.ts'
import { randomBatch } from '../learn/batches.ts'
import { csvFile, prepared, runPipeline } from '../pipeline/support.ts'

/** Whether forgetting changes what is learned afterwards, scaling aside. */
function forgets(learner: string, options: Record<string, string>): boolean {
  const classes = LEARNERS[learner]!.task === 'classification'
  const batch = randomBatch(7, { rows: 80, width: 3, categories: [4] })
  if (classes) for (let row = 0; row < 80; row += 1) batch.target[row] = batch.dense[row * 3]! > 0 ? 1 : 0
  const scaling = 'scale_features' in LEARNERS[learner]!.options ? { scale_features: false } : {}
  const target = 'scale_target' in LEARNERS[learner]!.options ? { scale_target: false } : {}
  const learned = (keep: number) => {
    const model = chosenLearner(
      { learner, ...options, ...scaling, ...target },
      classes ? 'classification' : 'regression',
    )
    model.learnMany(batch, 0, 20)
    model.learnMany(batch, 20, 50)
    model.forget?.(keep)
    model.learnMany(batch, 50, 80)
    // The count of steps is no knowledge of its own.
    return JSON.stringify(model, (key, value) => (key === 't' ? undefined : value))
  }
  return learned(0.5) !== learned(1)
}

const refused = (learner: string, options: Record<string, string>) => {
  try {
    checkForgetting({ ...givenParams({ drift: 'forget', ...options }), learner })
    return false
  } catch {
    return true
  }
}

describe('drift: forget', () => {
  it.each(CHOICES)('is refused for %s exactly where it would do nothing', (learner) => {
    const rates =
      'learning_rate' in LEARNERS[learner]!.options ? ['invscaling', 'constant', 'optimal'] : [null]
    for (const rate of rates) {
      const options: Record<string, string> = rate === null ? {} : { learning_rate: rate }
      expect(refused(learner, options), `${learner} ${rate}`).toBe(!forgets(learner, options))
    }
  })

  it('is refused before a trial, with what to do', async () => {
    const dataset = await prepared(csvFile('x,y\n1,2\n3,4\n'), { target: 'y' })
    await expect(runPipeline(dataset, { learner: 'pa', drift: 'forget' })).rejects.toThrow(
      /params\.drift "forget" does nothing to learner "pa", .*: choose drift: reset/,
    )
    await expect(runPipeline(dataset, { learner: 'pa', drift: 'reset' })).resolves.toBeDefined()
  })

  it('says in batch mode that no alarm is acted upon', async () => {
    const dataset = await prepared(csvFile('x,y\n1,2\n3,4\n5,6\n7,8\n9,9\n'), { target: 'y' })
    const run = async (drift: string, mode: 'batch' | 'streaming') =>
      (await runPipeline(dataset, { drift }, { mode })).info!['drift_action']
    expect(await run('reset', 'batch')).toMatch(/^none: batch mode/)
    expect(await run('reset', 'streaming')).toBeUndefined()
    expect(await run('alarm', 'batch')).toBeUndefined()
  })
})
