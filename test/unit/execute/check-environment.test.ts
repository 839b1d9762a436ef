/** Which variables of its machine an agent hands over to a trial that came over the net. */
import { expect, it } from 'vitest'
import { checkEnvironment } from '../../../harness/execute/fleet/check-job.ts'
import { trialSpec } from '../../fixtures/trial.ts'

const here = { PYTHONPATH: '/lib', AWS_SECRET_ACCESS_KEY: 's', NODE_OPTIONS: '--expose-gc' }
const check = (env: string[], allowed: string[]) => () =>
  checkEnvironment(trialSpec('empty', {}, { env }), new Set(allowed), here)

it('hands over what the agent allows, and nothing by default', () => {
  expect(check([], [])).not.toThrow()
  expect(check(['PYTHONPATH'], ['PYTHONPATH', 'OTHER'])).not.toThrow()
  expect(check(['PYTHONPATH', 'AWS_SECRET_ACCESS_KEY'], ['PYTHONPATH'])).toThrow(
    'asks for the environment variable AWS_SECRET_ACCESS_KEY, which this agent does not hand over: start it with --allow-env AWS_SECRET_ACCESS_KEY',
  )
  expect(check(['OTHER'], ['OTHER'])).toThrow('OTHER, which is not set where this agent runs')
  expect(check(['NODE_OPTIONS'], ['NODE_OPTIONS'])).toThrow(
    'NODE_OPTIONS, which this agent does not hand over',
  )
})
