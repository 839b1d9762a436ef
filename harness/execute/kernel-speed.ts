/** How fast a core is: the measure by which machines' compute units are scaled to each other. */
import { median } from '../analyse/descriptive.ts'
import { metricOf } from '../analyse/values.ts'
import type { Executor } from './executor.ts'
import { runProbe } from './trial-spec.ts'

const RUNS = 5
const RUN_MS = 400
/** On a machine that is slow, busy or limited, 400 ms may hold little but the compiler's work. */
const LEAST_CPU_MS = 60
/** At a thirtieth of a core a run takes some seconds. */
const TIMEOUT_S = 180

/** Operations a second of CPU time that one core of this machine does of the fixed kernel; median of five trials. */
export async function measureKernel(executor: Executor): Promise<number> {
  const scores: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const trial = await runProbe(executor, {
      wallMs: RUN_MS,
      cpuMs: LEAST_CPU_MS,
      timeoutS: TIMEOUT_S,
      id: 'calibrate',
      round: run + 1,
    })
    const score = metricOf(trial, 'kernel_ops_s')
    if (score === null) {
      const why = trial.outcome === 'ok' ? 'nothing was measured' : trial.error.message
      throw new Error(`calibration failed: ${why}`)
    }
    scores.push(score)
  }
  return median(scores)
}
