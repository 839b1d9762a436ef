/** What a share of another machine's core is on this one. */
import type { Executor } from '../execute/executor.ts'
import { measureKernel } from '../execute/kernel-speed.ts'
import { formatNumber } from '../format.ts'
import type { Calibration } from '../record/types.ts'
import type { RelativeTo } from '../sweep/types.ts'

export async function calibrate(executor: Executor, reference: RelativeTo): Promise<Calibration> {
  const kernel_ops_s = await measureKernel(executor)
  return { ...reference, here_ops_s: kernel_ops_s, factor: reference.kernel_ops_s / kernel_ops_s }
}

/** One line for people. */
export function calibrationWords({ profile, kernel_ops_s, here_ops_s, factor }: Calibration): string {
  const giga = (score: number) => formatNumber(score / 1e9)
  return `compute units are cores of ${profile}: ${giga(kernel_ops_s)} billion kernel operations a second there, ${giga(here_ops_s)} here, so that 1 unit is ${formatNumber(factor)} of a core here`
}
