/** The model of an ordinary run, built once for all tests that only read it. */
import { buildReportModel } from '../../../harness/report/model.ts'
import { runReport } from '../../../harness/report/sections/run.ts'
import { syntheticRun } from './synthetic.ts'

const { manifest, trials } = syntheticRun()

export const ordinaryModel = frozen(buildReportModel(manifest, trials))

export const ordinaryReport = runReport(ordinaryModel)

/** So that a test which changes what others share fails. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) frozen(part)
  return value
}
