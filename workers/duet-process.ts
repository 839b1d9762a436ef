/** The trial process of a duet: two workers on one core, in lock step. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { budgetOf, MIB, resourceLimits } from './caps/memory.ts'
import { CONTROL_BYTES, stopDuet } from './drive/interleaved.ts'
import { contextOf } from './load-workload.ts'
import {
  type DuetFailure,
  type DuetJob,
  type DuetReport,
  type DuetSide,
  type DuetSums,
  GROUP_SIGNALS,
  type Outcome,
  type TrialError,
  type TrialJob,
  type TrialSignal,
} from './protocol.ts'
import { checkedDuet, trialErrorFrom } from './untrusted.ts'
import type { DuetOrder, DuetPart } from './worker.ts'

// A trial process without its coordinator has no purpose.
for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
process.on('disconnect', () => process.exit(1))

/** Share of the pairs that is skipped at the start, while the compiler still works on the code. */
const SKIPPED_SHARE = 0.25

/** A duet takes so many times as long as a trial of one side may. */
const DUET_DEADLINES = 2

interface DuetWorker {
  side: DuetSide
  pool: Piscina
}

type PartEnd = DuetPart | { outcome: Outcome; error: TrialError }

/** Plays one duet in this process, which is used for nothing else. */
export async function run(job: DuetJob): Promise<DuetReport> {
  const { spec } = job
  // Everything but workload and parameters is the same on both sides.
  const { caps, deadline_s } = spec.sides.baseline
  const core = pinToOneCore(caps.pin_core)
  const budgetMb = budgetOf(caps, process.memoryUsage.rss() / MIB)
  const control = new SharedArrayBuffer(CONTROL_BYTES)
  const sides: DuetSide[] = spec.first === 'baseline' ? ['baseline', 'candidate'] : ['candidate', 'baseline']
  const workers = sides.map((side): DuetWorker => ({ side, pool: newWorker(budgetMb) }))
  const deadline = new AbortController()
  const timeoutS = DUET_DEADLINES * deadline_s
  const late = sleep(timeoutS * 1000, timedOut(timeoutS), { signal: deadline.signal })
  // Ended by the abort below, which nobody waits for.
  late.catch(() => {})
  const end = await Promise.race([play(workers, job, budgetMb, control), late])
  deadline.abort()
  stopDuet(control)
  process.send?.({ stint: 'finished' } satisfies TrialSignal)
  const nothing = { pairs: 0, skipped: 0, sums: null, outputs: null, complete: false }
  try {
    return checkedDuet(
      'failure' in end ? { ...nothing, ...end, core } : { ...sumUp(end), core, failure: null },
    )
  } catch (error) {
    const failure: DuetFailure = { side: null, outcome: 'failed', error: trialErrorFrom(error) }
    return { ...nothing, core, failure }
  }
}

type Parts = Record<DuetSide, DuetPart>

async function play(
  workers: readonly DuetWorker[],
  job: DuetJob,
  budgetMb: number | null,
  control: SharedArrayBuffer,
): Promise<Parts | { failure: DuetFailure }> {
  for (const { side, pool } of workers) {
    try {
      await pool.run(null, { name: 'empty' })
      const unusable: TrialError | null = await pool.run(job.sides[side].workload, { name: 'load' })
      if (unusable !== null) return { failure: { side, outcome: 'failed', error: unusable } }
    } catch (error) {
      return { failure: { side, ...workerEnded(error) } }
    }
  }
  // The first to fail stops the other, whose own end then says nothing.
  const failures: DuetFailure[] = []
  const parts: Partial<Parts> = {}
  await Promise.all(
    workers.map(async ({ side, pool }, place) => {
      const end = await playPart(pool, orderFor(job.sides[side], budgetMb, place as 0 | 1, control))
      if ('latencies' in end) parts[side] = end
      else {
        failures.push({ side, ...end })
        stopDuet(control)
      }
    }),
  )
  const [failure] = failures
  return failure === undefined ? (parts as Parts) : { failure }
}

async function playPart(pool: Piscina, order: DuetOrder): Promise<PartEnd> {
  try {
    return (await pool.run(order, { name: 'duet' })) as PartEnd
  } catch (error) {
    return workerEnded(error)
  }
}

function orderFor(
  job: TrialJob,
  budgetMb: number | null,
  place: 0 | 1,
  control: SharedArrayBuffer,
): DuetOrder {
  const { driver, warmup_chunks } = job.spec
  return {
    // No compute cap holds a duet: its pauses would fall on either side by chance.
    context: contextOf(job, { memory_mb: budgetMb, compute_units: null }),
    warmupChunks: warmup_chunks,
    maxMemoryMb: budgetMb,
    turns: { targetMs: driver.kind === 'interleaved' ? driver.target_ms : 0, place, control },
  }
}

/** Sums over the pairs that both sides handled, after those skipped. */
export function sumUp({ baseline: a, candidate: b }: Parts): Omit<DuetReport, 'core' | 'failure'> {
  const played = Math.min(a.latencies.length, b.latencies.length)
  const from = Math.floor(played * SKIPPED_SHARE)
  const both: number[] = []
  for (let pair = from; pair < played; pair++) {
    if (!Number.isNaN(a.latencies[pair]!) && !Number.isNaN(b.latencies[pair]!)) both.push(pair)
  }
  const sumOf = (values: Float64Array) => both.reduce((sum, pair) => sum + values[pair]!, 0)
  const sums = ({ latencies, rows, cpu }: DuetPart): DuetSums => ({
    latency_ms: sumOf(latencies),
    rows: sumOf(rows),
    cpu_ms: cpu === null ? null : sumOf(cpu),
  })
  return {
    pairs: both.length,
    skipped: from,
    sums: both.length === 0 ? null : { baseline: sums(a), candidate: sums(b) },
    outputs: { baseline: a.outputs, candidate: b.outputs },
    complete: a.complete && b.complete,
  }
}

function newWorker(budgetMb: number | null): Piscina {
  return new Piscina({
    filename: fileURLToPath(new URL('./worker.js', import.meta.url)),
    resourceLimits: resourceLimits(budgetMb),
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
  })
}

/** On one core both sides meet the same neighbours and the same clock rate. Every thread to come inherits it. */
function pinToOneCore(asked: number | null): number | null {
  try {
    const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
    // Interrupts are served by the first cores more often than by the last.
    const core = asked === null ? allowed?.split(/[,-]/).at(-1) : String(asked)
    if (core === undefined) return null
    const done = spawnSync('taskset', ['-a', '-c', '-p', core, String(process.pid)], { stdio: 'ignore' })
    return done.status === 0 ? Number(core) : null
  } catch {
    return null
  }
}

/** The thread is gone: by its heap limit, by `process.exit`, or by an error thrown outside every step. */
function workerEnded(thrown: unknown): { outcome: Outcome; error: TrialError } {
  const name = 'ERR_WORKER_OUT_OF_MEMORY'
  if (thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === name) {
    const message = 'the workload filled the heap that max_memory_mb allows'
    return { outcome: 'out_of_memory', error: { name, message } }
  }
  const error = trialErrorFrom(thrown)
  return { outcome: /^worker exited/.test(error.message) ? 'crashed' : 'failed', error }
}

function timedOut(timeoutS: number): { failure: DuetFailure } {
  const message = `not finished after ${timeoutS} s`
  return { failure: { side: null, outcome: 'timed_out', error: { name: 'Timeout', message } } }
}
