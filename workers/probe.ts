/** A workload of fixed work: what `stint doctor` tries caps and noise on, and what profiles are calibrated with. */
import type { OpenWorkload, TrialContext, Workload } from './workload.ts'

const MIB = 1024 * 1024
/** Numbers in the array that a pass goes over: 32 kB, the first cache of most cores. */
const SIZE = 4096
/** Passes a step: some ms on a present core. */
const PASSES = 200
const OPERATIONS = 2

interface ProbeParams {
  work: string
  /** Ms after which the steps end. */
  wall_ms: number
  /** CPU time that the steps take at least, ms. */
  cpu_ms: number
  /** Steps at most. */
  steps: number
}

const probe: Workload<ProbeParams> = {
  describe: () => ({
    name: 'probe',
    params: {
      work: {
        type: 'string',
        values: ['compute', 'allocate'],
        default: 'compute',
        description: 'what a step does',
      },
      wall_ms: { type: 'number', default: 1000, description: 'time after which the steps end, ms' },
      cpu_ms: {
        type: 'number',
        default: 0,
        description: 'CPU time that the steps take at least, ms, where a machine is slow or busy',
      },
      steps: { type: 'integer', default: 1_000_000, description: 'steps at most' },
    },
    metrics: {
      kernel_ops_s: {
        unit: 'op/s',
        direction: 'higher_is_better',
        kind: 'measured',
        description: 'multiplications and additions a second of CPU time',
      },
    },
    dataset: 'none',
  }),
  open: (context) => new Probe(context),
}

export default probe

class Probe implements OpenWorkload {
  private readonly params: ProbeParams
  private readonly values = Float64Array.from({ length: SIZE }, (_, i) => 1 + i / SIZE)
  private readonly kept: Uint8Array[] = []
  /** At the first step: what a slow machine takes to put a cap in force is no part of the work. */
  private begun = { at: 0, cpu: process.cpuUsage() }
  private steps = 0

  constructor({ params }: TrialContext<ProbeParams>) {
    this.params = params
  }

  step() {
    if (this.steps === 0) this.begun = { at: performance.now(), cpu: process.cpuUsage() }
    if (this.steps === this.params.steps || this.isDone()) return null
    this.steps++
    if (this.params.work === 'allocate') this.kept.push(new Uint8Array(MIB).fill(1))
    else this.compute()
    return { rows: 1 }
  }

  finish() {
    const operations = this.steps * PASSES * SIZE * OPERATIONS
    const cpuS = this.cpuMs() / 1e3
    return {
      metrics: {
        kernel_ops_s: this.params.work === 'compute' && cpuS > 0 && operations > 0 ? operations / cpuS : null,
      },
    }
  }

  private isDone(): boolean {
    const { wall_ms, cpu_ms } = this.params
    return performance.now() - this.begun.at > wall_ms && (cpu_ms === 0 || this.cpuMs() >= cpu_ms)
  }

  private cpuMs(): number {
    const { user, system } = process.cpuUsage(this.begun.cpu)
    return (user + system) / 1e3
  }

  /** A first-order recurrence: every result depends on the one before, so that nothing can be left out or reordered. */
  private compute(): void {
    const { values } = this
    let last = values[0]!
    for (let pass = 0; pass < PASSES; pass++) {
      for (let i = 0; i < SIZE; i++) {
        last = last * 0.25 + values[i]! * 0.75
        values[i] = last
      }
    }
  }
}
