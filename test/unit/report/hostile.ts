/** A run whose names and messages try to break out of every format. */

import { ended } from '../../fixtures/trials.ts'
import { syntheticRun } from './synthetic.ts'

export const HOSTILE =
  '=HYPERLINK("http://evil.example")<script>alert(1)</script>|`x`\u001b[31m\u0007\u202e\n# head'

export function hostileRun() {
  const { manifest, trials, notes } = syntheticRun({
    chunk_size: [64, 256],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [0.5, 1],
    runs: 3,
    alter: (trial) => (trial.round === 2 ? ended(trial, 'failed', { message: HOSTILE }) : trial),
  })
  manifest.sweep.name = HOSTILE
  manifest.machine.cpu_model = HOSTILE
  manifest.notes = [HOSTILE]
  manifest.command = ['stint', 'run', HOSTILE]
  for (const scenario of manifest.sweep.scenarios) {
    scenario.label = `${HOSTILE} ${scenario.label}`
    scenario.point['params.learner'] = HOSTILE
  }
  return { manifest, trials, notes }
}
