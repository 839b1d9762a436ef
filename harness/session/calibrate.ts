/** What a share of another machine's core is on this one. */
import { median } from '../analyse/descriptive.ts'
import { metricOf } from '../analyse/values.ts'
import type { Executor } from '../execute/executor.ts'
import { runProbe } from '../execute/trial-spec.ts'
import { formatNumber } from '../format.ts'
import type { Calibration } from '../record/types.ts'
import type { RelativeTo } from '../sweep/types.ts'

const RUNS = 5
const RUN_MS = 400

/** Operations a second of CPU time that one core of this machine does of the fixed kernel; median of five trials. */
export async function measureKernel(executor: Executor): Promise<number> {
  const scores: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const trial = await runProbe(executor, {
      wallMs: RUN_MS,
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

export async function calibrate(executor: Executor, reference: RelativeTo): Promise<Calibration> {
  const kernel_ops_s = await measureKernel(executor)
  return { ...reference, here_ops_s: kernel_ops_s, factor: reference.kernel_ops_s / kernel_ops_s }
}

/** One line for people. */
export function calibrationWords({ profile, kernel_ops_s, here_ops_s, factor }: Calibration): string {
  const giga = (score: number) => formatNumber(score / 1e9)
  return `compute units are cores of ${profile}: ${giga(kernel_ops_s)} billion kernel operations a second there, ${giga(here_ops_s)} here, so that 1 unit is ${formatNumber(factor)} of a core here`
}
