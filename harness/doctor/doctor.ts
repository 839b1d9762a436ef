/** What this machine can enforce and measure, and how noisy it is. */
import type { Executor } from '../execute/executor.ts'
import { measureKernel } from '../execute/kernel-speed.ts'
import { readMachine } from '../record/machine.ts'
import type { Machine } from '../record/types.ts'
import { type Ability, type EffectiveLimits, effectiveLimits, tryCompute, tryRest } from './checks.ts'
import { measureQuiet, type QuietReport } from './quiet.ts'

export type { Ability, EffectiveLimits } from './checks.ts'

export interface Doctor {
  machine: Machine
  /** What holds for Stint itself, and so for all its trials together. */
  limits: EffectiveLimits
  /** Each mechanism and counter, tried for real. */
  checks: Ability[]
  /** Operations a second of CPU time that one core does of the fixed kernel; null where that was not measured. */
  kernel_ops_s: number | null
  /** Null where no trials were asked for. */
  quiet: QuietReport | null
}

export async function examine(
  executor: Executor,
  { runs, onStep }: { runs: number; onStep(text: string): void },
): Promise<Doctor> {
  onStep('trying caps, counters and clocks')
  const checks = [...(await tryCompute()), ...(await tryRest(executor))]
  const kernel_ops_s = await measureKernel(executor).catch(() => null)
  if (runs > 0) onStep(`comparing a fixed kernel with itself, 2 x ${runs} trials`)
  const quiet = runs > 0 ? await measureQuiet(executor, runs) : null
  const machine = readMachine()
  const limits = effectiveLimits((await executor.capabilities()).limits, machine)
  return { machine, limits, checks, kernel_ops_s, quiet }
}
