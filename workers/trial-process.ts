/** The trial process: starts one trial's worker, lets the caps be put in force around it, and keeps its deadline. */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { budgetOf, LEAST_IDLE_WORKER_MB, MIB, resourceLimits } from './caps/memory.ts'
import { permit, signalCoordinator } from './permit.ts'
import { GROUP_SIGNALS, NOTHING_MEASURED, type TrialReport } from './protocol/trial-process.ts'
import { NO_NOISE_READINGS, type Outcome, type TrialError } from './protocol/trial-result.ts'
import type { TrialJob, TrialSpec, TrialStart } from './protocol/trial-spec.ts'
import { peakResidentMb } from './telemetry/process-files.ts'
import { checkedReport, trialErrorFrom } from './untrusted.ts'
import type { DriveOrder, load, WarmOrder, WorkerReport, warm } from './worker.ts'

/** What Node calls the end of a thread that filled its heap. */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY'
/** Where off-heap memory is refused, Node 24 throws a RangeError only, and this one ends the thread. */
const FIRST_TO_END_REFUSED = 26
/** Under `memory_scope: process`, what must be left for the workload, MB. */
const LEAST_BUDGET_MB = 4

// A trial process without its coordinator has no purpose.
for (const signal of GROUP_SIGNALS) process.on(signal, () => {})
process.on('disconnect', () => process.exit(1))

/**
 * Runs one trial in this process, which is used for nothing else. Its worker starts at once, and may stand empty for a
 * while before the trial comes.
 */
export async function run(start: TrialStart): Promise<TrialReport> {
  // A thread's limits hold from its start, when nobody knows yet what it takes by itself.
  const mostMb = budgetOf(start, residentMb() + LEAST_IDLE_WORKER_MB)
  const worker = new Piscina({
    filename: fileURLToPath(new URL('./worker.js', import.meta.url)),
    resourceLimits: resourceLimits(mostMb === null ? null : Math.max(LEAST_BUDGET_MB, mostMb)),
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
  })
  let job: TrialJob
  let budgetMb: number | null = null
  try {
    await worker.run(null, { name: 'empty' })
    budgetMb = budgetOf(start, residentMb())
    if (budgetMb !== null && budgetMb < LEAST_BUDGET_MB)
      return reportFrom(refusedBy(tooSmall(start, budgetMb)), null, null)
    const given = await permit('empty')
    job = given.job!
    signalCoordinator('given')
    if (given.refused !== null) return reportFrom(refusedBy(given.refused), budgetMb, null)
  } catch (error) {
    return reportFrom(workerEnded(error, start), budgetMb, null)
  }
  const { spec } = job
  const load1m = process.platform === 'win32' ? null : (loadavg()[0] ?? null)
  const deadline = new AbortController()
  const late = sleep(spec.deadline_s * 1000, timedOut(spec), { signal: deadline.signal })
  // Ended by the abort below, which nobody waits for.
  late.catch(() => {})
  const report = await Promise.race([runWorker(worker, job, budgetMb), late])
  deadline.abort()
  signalCoordinator('finished')
  return reportFrom(report, budgetMb, load1m)
}

function residentMb(): number {
  return process.memoryUsage.rss() / MIB
}

function tooSmall({ max_memory_mb }: TrialStart, budgetMb: number): string {
  const least = Math.ceil((max_memory_mb ?? 0) - budgetMb + LEAST_BUDGET_MB)
  return `memory_scope: process needs max_memory_mb ${least} or more on this machine, since Node itself takes most of ${max_memory_mb} MB`
}

async function runWorker(
  worker: Piscina,
  job: TrialJob,
  budgetMb: number | null,
): Promise<Partial<WorkerReport> & { outcome: Outcome }> {
  try {
    const unusable: Awaited<ReturnType<typeof load>> = await worker.run(job, { name: 'load' })
    if (unusable !== null) return unusable
    const warmed: Awaited<ReturnType<typeof warm>> = await worker.run({ job, budgetMb } satisfies WarmOrder, {
      name: 'warm',
    })
    if ('outcome' in warmed) return warmed
    const { compute, refused } = await permit('warm')
    if (refused !== null) return refusedBy(refused)
    const order: DriveOrder = { job, budgetMb, compute, ...warmed }
    const ended: WorkerReport | null = await worker.run(order, { name: 'drive' })
    if (ended !== null) return ended
    // What follows is not timed: a compute cap would only draw it out.
    signalCoordinator('measured')
    return (await worker.run(null, { name: 'finish' })) as WorkerReport
  } catch (error) {
    return workerEnded(error, job.spec.caps)
  }
}

function refusedBy(message: string): { outcome: Outcome; error: TrialError } {
  return { outcome: 'failed', error: { name: 'CapError', message } }
}

/** The thread is gone: by its heap limit, by `process.exit`, or by an error thrown outside every step. */
function workerEnded(
  thrown: unknown,
  { max_memory_mb }: TrialStart,
): { outcome: Outcome; error: TrialError } {
  if (isOutOfMemory(thrown)) {
    const heap = max_memory_mb === null ? 'Node' : `max_memory_mb ${max_memory_mb}`
    const message = `the workload filled the heap that ${heap} allows${orRefused()}`
    return { outcome: 'out_of_memory', error: { name: OUT_OF_MEMORY, message } }
  }
  const error = trialErrorFrom(thrown)
  const exit = /^worker exited with code: (-?\d+)$/.exec(error.message)?.[1]
  if (exit !== undefined) {
    const message = `the workload ended its thread by process.exit(${exit})`
    return { outcome: 'crashed', error: { name: 'Exit', message, exit: `code ${exit}` } }
  }
  return { outcome: 'failed', error }
}

/** What else may have ended the thread: Node says the same of both. */
function orRefused(): string {
  return Number.parseInt(process.versions.node, 10) < FIRST_TO_END_REFUSED
    ? ''
    : ', or asked for more memory off the heap than there is (Array buffer allocation failed)'
}

function isOutOfMemory(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === OUT_OF_MEMORY
}

function timedOut(spec: TrialSpec): { outcome: Outcome; error: TrialError } {
  const message = `not finished after timeout_s ${spec.deadline_s}; raise it, or give the trial less to do`
  return { outcome: 'timed_out', error: { name: 'Timeout', message } }
}

/** What goes to the coordinator: plain data, since what the thread sent need not be. */
function reportFrom(
  report: Partial<WorkerReport> & { outcome: Outcome },
  budgetMb: number | null,
  load1m: number | null,
): TrialReport {
  try {
    return checkedReport(complete(report, budgetMb, load1m))
  } catch (error) {
    return complete({ outcome: 'failed', error: trialErrorFrom(error) }, budgetMb, load1m)
  }
}

function complete(
  report: Partial<WorkerReport> & { outcome: Outcome },
  budgetMb: number | null,
  load1m: number | null,
): TrialReport {
  const metrics =
    report.outcome === 'ok' ? { ...report.metrics, peak_rss_mb: peakResidentMb(process.pid) } : {}
  return {
    ...NOTHING_MEASURED,
    ...report,
    budget_mb: budgetMb,
    metrics,
    noise: { ...NO_NOISE_READINGS, ...report.noise, load_1m: load1m },
  }
}
