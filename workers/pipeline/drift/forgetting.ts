/** Which learners have something to forget by halves. */
import type { PipelineParams } from '../describe.ts'

const PASSIVE_AGGRESSIVE: readonly string[] = ['pa', 'pa_classifier']
const ONE_ROW: readonly string[] = ['last_value', 'no_change']

/**
 * `drift: forget` gives what was learned half its weight. A learner whose steps are alike however much it has seen
 * holds no such weight, so that the alarm would change nothing but its scaling; nor does one that remembers one row.
 * @throws {Error} where the learner is one of these
 */
export function checkForgetting(params: Pick<PipelineParams, 'drift' | 'learner'> & Record<string, unknown>) {
  const { drift, learner, learning_rate } = params
  if (drift !== 'forget') return
  const constant = learning_rate === 'constant'
  const oneRow = ONE_ROW.includes(learner)
  if (!constant && !oneRow && !PASSIVE_AGGRESSIVE.includes(learner)) return
  const why = oneRow ? 'which remembers one row only' : 'whose steps are alike however much it has seen'
  throw new Error(
    `params.drift "forget" does nothing to learner "${learner}"${constant ? ' with learning_rate "constant"' : ''}, ${why}: choose drift: reset, drift: alarm, or another learner`,
  )
}
