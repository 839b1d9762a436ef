/** The trial process of a duet: two workers on one core, in lock step. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { budgetOf, LEAST_IDLE_WORKER_MB, MIB, resourceLimits } from './caps/memory.ts'
import { CONTROL_BYTES, stopDuet } from './drive/interleaved.ts'
import { contextOf } from './load-workload.ts'
import { Samples } from './measured-run.ts'
import {
  DUET_DEADLINES,
  type DuetFailure,
  type DuetJob,
  type DuetReport,
  type DuetSide,
  type DuetSums,
} from './protocol/duet.ts'
import { GROUP_SIGNALS, type TrialSignal } from './protocol/trial-process.ts'
import type { Outcome, TrialError } from './protocol/trial-result.ts'
import type { TrialJob } from './protocol/trial-spec.ts'
import { checkedDuet, trialErrorFrom } from './untrusted.ts'
import type { DuetOrder, DuetPart, load } from './worker.ts'

// A trial process without its coordinator has no purpose.
for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
process.on('disconnect', () => process.exit(1))

interface DuetWorker {
  side: DuetSide
  pool: Piscina
}

type PartEnd = DuetPart | { outcome: Outcome; error: TrialError }

/** Plays one duet in this process, which is used for nothing else. */
export async function run(job: DuetJob): Promise<DuetReport> {
  const { spec } = job
  const { caps } = spec.sides.candidate
  const deadline_s = Math.max(spec.sides.baseline.deadline_s, spec.sides.candidate.deadline_s)
  const core = pinToOneCore(caps.pin_core)
  const idleMb = process.memoryUsage.rss() / MIB + LEAST_IDLE_WORKER_MB
  const budgets = {
    baseline: budgetOf(spec.sides.baseline.caps, idleMb),
    candidate: budgetOf(caps, idleMb),
  }
  const control = new SharedArrayBuffer(CONTROL_BYTES)
  const sides: DuetSide[] = spec.first === 'baseline' ? ['baseline', 'candidate'] : ['candidate', 'baseline']
  const workers = sides.map((side): DuetWorker => ({ side, pool: newWorker(budgets[side]) }))
  const deadline = new AbortController()
  const timeoutS = DUET_DEADLINES * deadline_s
  const late = sleep(timeoutS * 1000, timedOut(timeoutS), { signal: deadline.signal })
  // Ended by the abort below, which nobody waits for.
  late.catch(() => {})
  const end = await Promise.race([play(workers, job, budgets, control), late])
  deadline.abort()
  stopDuet(control)
  process.send?.({ stint: 'finished' } satisfies TrialSignal)
  const nothing = { pairs: 0, sums: null, chunks: null, profile: null, outputs: null, complete: false }
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
  budgets: Record<DuetSide, number | null>,
  control: SharedArrayBuffer,
): Promise<Parts | { failure: DuetFailure }> {
  for (const { side, pool } of workers) {
    try {
      await pool.run(null, { name: 'empty' })
      const unusable: Awaited<ReturnType<typeof load>> = await pool.run(job.sides[side], { name: 'load' })
      if (unusable !== null) return { failure: { side, ...unusable } }
    } catch (error) {
      return { failure: { side, ...workerEnded(error) } }
    }
  }
  // The first to fail stops the other, whose own end then says nothing.
  const failures: DuetFailure[] = []
  const parts: Partial<Parts> = {}
  await Promise.all(
    workers.map(async ({ side, pool }, place) => {
      const end = await playPart(pool, orderFor(job.sides[side], budgets[side], place as 0 | 1, control))
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
  const [targetMs, mostMs] = driver.kind === 'interleaved' ? [driver.target_ms, driver.most_ms] : [0, 0]
  return {
    // No compute cap holds a duet: its pauses would fall on either side by chance.
    context: contextOf(job, { memory_mb: budgetMb, compute_units: null }),
    warmupChunks: warmup_chunks,
    maxMemoryMb: budgetMb,
    turns: { targetMs, mostMs, place, control },
  }
}

/** Stretches of a pass that are told apart. */
const STRETCHES = 32

/** Over the pairs that both sides handled. */
export function sumUp({ baseline: a, candidate: b }: Parts): Omit<DuetReport, 'core' | 'failure'> {
  const played = Math.min(a.latencies.length, b.latencies.length)
  const both: number[] = []
  for (let pair = 0; pair < played; pair++) {
    if (!Number.isNaN(a.latencies[pair]!) && !Number.isNaN(b.latencies[pair]!)) both.push(pair)
  }
  const outputs = { baseline: a.outputs, candidate: b.outputs }
  const complete = a.complete && b.complete
  const chunks = { baseline: firstPass(a), candidate: firstPass(b) }
  if (both.length === 0) return { pairs: 0, sums: null, chunks, profile: null, outputs, complete }
  return {
    pairs: both.length,
    sums: { baseline: sumsOf(a, both), candidate: sumsOf(b, both) },
    chunks,
    profile:
      complete && chunks.baseline === chunks.candidate
        ? { baseline: profileOf(a, chunks.baseline), candidate: profileOf(b, chunks.baseline) }
        : null,
    outputs,
    complete,
  }
}

/** Chunks before the data was used up for the first time. */
function firstPass({ latencies }: DuetPart): number {
  const end = latencies.findIndex(Number.isNaN)
  return end === -1 ? latencies.length : end
}

function sumsOf({ latencies, rows, cpu }: DuetPart, pairs: readonly number[]): DuetSums {
  const sumOf = (values: Float64Array) => pairs.reduce((sum, pair) => sum + values[pair]!, 0)
  const samples = new Samples()
  for (const pair of pairs) samples.add(latencies[pair]!)
  const [p50, p95, p99, max] = samples.quantiles([0.5, 0.95, 0.99, 1]) as [number, number, number, number]
  return {
    latency_ms: sumOf(latencies),
    ...{ p50_ms: p50, p95_ms: p95, p99_ms: p99, max_ms: max },
    rows: sumOf(rows),
    cpu_ms: cpu === null ? null : sumOf(cpu),
  }
}

/** @param chunks of a whole pass; both sides have their passes at the same pairs */
function profileOf({ latencies }: DuetPart, chunks: number): number[] {
  const stretches = Math.min(STRETCHES, chunks)
  const sums = new Array<number>(stretches).fill(0)
  let chunk = 0
  for (const latency of latencies) {
    if (Number.isNaN(latency)) chunk = 0
    else if (chunk < chunks) sums[Math.floor((chunk++ * stretches) / chunks)]! += latency
  }
  return sums
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
