/**
 * The worker: the worker thread that runs one trial. Its pool calls `empty`, `load`, `warm`, `drive` and `finish` in turn.
 * Between these calls the caps are put in force from outside: on memory once the worker stands empty and to the end, on
 * compute for `drive` only.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { COLLECTIONS_TO_FREE, MemoryCheck, MIB, readWorkerMemory, type WorkerMemory } from './caps/memory.ts'
import { settle } from './caps/settle.ts'
import type { LiveRows } from './data/sources/live.ts'
import { ClosedLoop } from './drive/closed.ts'
import type { Driver } from './drive/driver.ts'
import { type DuetTurns, type PairTimes, stopDuet, Turns } from './drive/interleaved.ts'
import { OpenLoop, type OpenLoopResult } from './drive/open.ts'
import { contextOf, type LoadedWorkload, loadWorkload, openWorkload } from './load-workload.ts'
import { MeasuredRun, warmUp } from './measured-run.ts'
import type { ComputeCapInForce } from './protocol/supervisor.ts'
import type { TrialReport } from './protocol/trial-process.ts'
import {
  LATENCY_SHARES,
  NO_NOISE_READINGS,
  type NoiseReadings,
  type Outcome,
  type TrialError,
} from './protocol/trial-result.ts'
import { type LiveAddress, PROGRAM_ENDED, type TrialJob } from './protocol/trial-spec.ts'
import type { OpenLoopMarks } from './telemetry/chunk-log.ts'
import { threadMs, threadStartMs } from './telemetry/clock.ts'
import { Meters, type Readings } from './telemetry/meters.ts'
import { ThreadAccount } from './telemetry/process-files.ts'
import { trialErrorFrom, WorkloadError } from './untrusted.ts'
import type { TrialContext } from './workload.ts'

/** What the worker can say; the trial process adds what concerns the whole process. */
export type WorkerReport = Omit<TrialReport, 'noise' | 'budget_mb'> & {
  noise: Omit<NoiseReadings, 'load_1m'>
}

export interface WarmOrder {
  job: TrialJob
  /** What the workload may use above an idle worker, MB; null for no cap. */
  budgetMb: number | null
}

export interface DriveOrder {
  job: TrialJob
  budgetMb: number | null
  /** Null where no compute cap was asked for. */
  compute: ComputeCapInForce | null
  /** As `warm` returned it. */
  coldFirstChunkMs: number | null
}

export interface DuetOrder {
  context: TrialContext
  warmupChunks: number
  maxMemoryMb: number | null
  turns: DuetTurns
}

export interface DuetPart extends PairTimes {
  /** Metrics of the first instance. */
  outputs: Record<string, number | null>
  /** Whether that instance reached the end of its data. */
  complete: boolean
}

/** The measured instance after its last step. */
interface Measured {
  run: MeasuredRun
  read: Readings
  /** Where events arrive on their own clock. */
  load: OpenLoopResult | null
  /** How its events came. */
  through: string | null
  startupMs: number
  coldFirstChunkMs: number | null
}

const collectGarbage = collector()
const { ownKeys } = Reflect
const entriesOfObject = new Set(ownKeys(Object.prototype))

let idleWorker: WorkerMemory
let loaded: LoadedWorkload
/** Over warm-up and measured run. */
let memory: MemoryCheck
let measured: Measured

/**
 * V8's full collection for the harness only: a workload finds the usual globals. The flag is set for as long as the
 * handle takes to make: a process that is started with it cannot use the code that Node brings along compiled, and
 * takes a fifth longer to start.
 */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  try {
    return runInNewContext('gc') as () => void
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}

/** Takes the memory of the idle worker, above which the cap counts. */
export function empty(): void {
  collectGarbage()
  idleWorker = readWorkerMemory()
}

/** Loads the workload's module, or starts its program; says why where it cannot be used. */
export async function load({
  workload,
  error_log,
}: Pick<TrialJob, 'workload' | 'error_log'>): Promise<{ outcome: Outcome; error: TrialError } | null> {
  try {
    loaded = await loadWorkload(workload, error_log)
    return null
  } catch (thrown) {
    const error = trialErrorFrom(thrown)
    return { outcome: outcomeOf(error), error }
  }
}

/**
 * Steps a throwaway instance, so that the compiler is warm. No compute cap is in force yet: a share of 0.05 would make
 * this take twenty times as long.
 * @returns time of its first chunk, ms, or how the trial ended
 */
export async function warm({
  job,
  budgetMb,
}: WarmOrder): Promise<Pick<DriveOrder, 'coldFirstChunkMs'> | WorkerReport> {
  memory = new MemoryCheck(idleWorker, budgetMb, collectGarbage)
  try {
    const context = contextOf(job, { memory_mb: budgetMb, compute_units: job.compute_units })
    const coldFirstChunkMs = await warmUp(loaded.workload, context, job.spec.warmup_chunks, memory)
    // What the throwaway instance held is not to lie beside what the measured one holds.
    if (job.spec.warmup_chunks > 0) for (let k = 0; k < COLLECTIONS_TO_FREE; k++) collectGarbage()
    return { coldFirstChunkMs }
  } catch (error) {
    return failed(error)
  }
}

/** Measures one instance to the end of its data; null, or how the trial ended before. */
export async function drive(order: DriveOrder): Promise<WorkerReport | null> {
  try {
    measured = await measure(order)
    return null
  } catch (error) {
    return failed(error)
  }
}

/** What the measured instance came to, after `drive`. */
export async function finish(): Promise<WorkerReport> {
  return await closing(measured.run, async () => {
    const report = await reportOn(measured)
    await measured.run.close()
    if (loaded.kind === 'command') await loaded.workload.end()
    return report
  }).catch(failed)
}

/** As `drive`, in turns with the worker of the other side. */
export async function duet(order: DuetOrder): Promise<DuetPart | { outcome: Outcome; error: TrialError }> {
  memory = new MemoryCheck(idleWorker, order.maxMemoryMb, collectGarbage)
  try {
    return await takeTurns(order)
  } catch (error) {
    stopDuet(order.turns.control)
    const why = trialErrorFrom(error)
    return { outcome: outcomeOf(why), error: why }
  }
}

/** Nothing that is timed is left out, so that the compiler must be done with most code before. */
const DUET_WARMUP_MS = 150

/**
 * Steps throwaway instances for so long, not counting when anything else had the core: on a busy machine it would be
 * over before the compiler is.
 */
async function warmUpFor(ms: number, context: TrialContext, account: ThreadAccount | null): Promise<void> {
  const offer = { rows: context.settings.chunk_size, train: true }
  const waitedMs = () => account?.read().waited ?? 0
  const begun = threadMs() - waitedMs()
  // V8 compiles the functions of a first instance for it only, and compiles them again once there is another.
  let untilMs = ms / 2
  const driver: Driver = {
    waits: false,
    next: () => (threadMs() - waitedMs() - begun < untilMs ? offer : null),
  }
  for (let more = true; more || untilMs < ms; ) {
    if (!more) untilMs = ms
    const run = new MeasuredRun(
      await openWorkload(loaded.workload, { ...context, warmup: true }),
      memory,
      null,
    )
    try {
      more = (await run.drive(driver)) && run.latency.count > 0
    } finally {
      await run.close()
    }
  }
}

/** Plays the data again and again until the duet is over; what the first instance came to is what counts. */
async function takeTurns({ context, warmupChunks, turns }: DuetOrder): Promise<DuetPart> {
  const open = async () => new MeasuredRun(await openWorkload(loaded.workload, context), memory, null)
  const thread = ThreadAccount.open()
  // It says nothing of a program's CPU time.
  const account = loaded.kind === 'command' ? null : thread
  if (warmupChunks > 0) await warmUpFor(DUET_WARMUP_MS, context, thread)
  collectGarbage()
  let run = await open()
  const driver = new Turns(context.settings.chunk_size, turns, account)
  try {
    const complete = await run.drive(driver)
    const { metrics: outputs } = await run.finish()
    for (let more = complete; more; ) {
      await run.close()
      run = await open()
      more = await run.drive(driver)
    }
    return { ...driver.times(), outputs, complete }
  } finally {
    thread?.close()
    await run.close()
  }
}

async function measure({ job, budgetMb, compute, coldFirstChunkMs }: DriveOrder): Promise<Measured> {
  const opening = threadMs()
  const units = compute === null || compute.error !== null ? null : job.compute_units
  const context = contextOf(job, { memory_mb: budgetMb, compute_units: units })
  const live = job.live === null ? null : await openLive(job.live, context)
  const run = new MeasuredRun(await openWorkload(loaded.workload, context), memory, job.chunk_log)
  const startupMs = threadMs() - opening
  return await closing(run, async () => {
    const loop = await openLoop(job)
    // Under the cap: helper threads that are ahead of their share then are so at the start as they are at the end.
    collectGarbage()
    if (units !== null && compute?.period_ms != null) settle(units, compute.period_ms, compute.cpu_stat)
    run.cpuStat = units === null ? null : (compute?.cpu_stat ?? null)
    const meters = new Meters(compute, job.throttle_counts)
    const { cpu_profile } = job
    const profiler = cpu_profile === null ? null : await startProfiler()
    live?.start(threadMs() + threadStartMs)
    await run.drive(loop ?? new ClosedLoop(job.spec.settings.chunk_size))
    if (cpu_profile !== null) await profiler!.stop(cpu_profile)
    const read = await meters.stop(run.ready - run.begun)
    const load = loop === null ? null : loop.result()
    if (load !== null) run.marks = marksOf(run, load, read)
    const through = loop === null ? null : (job.live?.url ?? 'in process')
    return { run, read, load, through, startupMs, coldFirstChunkMs }
  })
}

/** Loaded only where it is asked for. */
async function startProfiler() {
  return await (await import('./telemetry/cpu-profile.ts')).CpuProfiler.start()
}

/** Lets the workload read what its publisher sends: text in UTF-8, the header first and nothing before it. */
async function openLive({ url, id }: LiveAddress, context: TrialContext): Promise<LiveRows> {
  const rows = await (await import('./data/sources/live.ts')).LiveRows.open(url, id)
  const { dialect, ...dataset } = context.dataset!
  context.dataset = { ...dataset, path: rows.path, dialect: { ...dialect, encoding: 'utf-8', skip_lines: 0 } }
  return rows
}

/** The driver of a trial whose events arrive on their own clock; null for others. */
async function openLoop({ spec, data }: TrialJob): Promise<OpenLoop | null> {
  const { driver } = spec
  if (driver.kind !== 'open') return null
  const { arrival } = driver
  const trace =
    arrival.pattern === 'trace'
      ? await (await import('./drive/trace.ts')).recordTrace({ ...spec.data!, path: data! }, arrival.column)
      : null
  const { chunk_size } = spec.settings
  return new OpenLoop({ spec: driver, chunkSize: chunk_size, rows: spec.data?.rows ?? null, trace })
}

/** The slowest thousandth of chunks is marked in the log. */
const SLOW = 0.999

function marksOf(run: MeasuredRun, load: OpenLoopResult, { collections }: Readings): OpenLoopMarks {
  const [slowFrom] = run.latency.quantiles([SLOW])
  return {
    slowFrom: slowFrom ?? Number.POSITIVE_INFINITY,
    backlogEveryMs: load.backlog.everyMs,
    collections: collections.map((value, i) => (i % 2 === 0 ? value - run.begun : value)),
  }
}

/** Closes the run where `act` fails; its error is the one to report. */
async function closing<T>(run: MeasuredRun, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    await run.close().catch(() => {})
    throw error
  }
}

async function reportOn({
  run,
  read,
  load,
  through,
  startupMs,
  coldFirstChunkMs,
}: Measured): Promise<WorkerReport> {
  const finishing = threadMs()
  const output = await run.finish()
  const finishMs = threadMs() - finishing
  const own: Record<string, number | null> = {
    ...chunkMetrics(run, load === null ? run.latency.total : run.ready - run.begun),
    ...read.metrics,
    ...(load !== null && loadMetrics(load)),
    startup_ms: startupMs,
    finish_ms: finishMs,
    cold_first_chunk_ms: coldFirstChunkMs,
    idle_worker_mb: (idleWorker.heapBytes + idleWorker.externalBytes) / MIB,
    peak_heap_mb: memory.peakHeapBytes / MIB,
    peak_external_mb: memory.peakExternalBytes / MIB,
    ...(loaded.kind === 'command' && { command_round_trip_ms: loaded.workload.roundTripMs }),
  }
  refuseOwn(output.metrics, own)
  return {
    outcome: 'ok',
    metrics: { ...output.metrics, ...own },
    peak_mb: memory.peakBytes / MIB,
    achieved: read.achieved,
    throttled_ms: read.throttledMs,
    window: { from: run.begun + threadStartMs, to: run.ready + threadStartMs },
    energy: read.energy,
    machine_busy_ms: read.machineBusyMs,
    noise: read.noise,
    ...(load !== null && { event_latency_ms: load.latency.distribution(LATENCY_SHARES) }),
    ...(output.notes.length === 0 ? {} : { notes: output.notes }),
    ...(output.info === undefined && through === null
      ? {}
      : { info: { ...output.info, ...(through !== null && { events_through: through }) } }),
  }
}

/** @throws {WorkloadError} where a metric of the workload bears the name of one that is measured here */
function refuseOwn(metrics: Record<string, number | null>, own: Record<string, number | null>): void {
  for (const name in own) {
    if (Object.hasOwn(metrics, name))
      throw new WorkloadError(
        `finish(): metrics.${name} is a metric that Stint measures itself; give it another name`,
      )
  }
}

/** @param wallMs from the first timed step to the last, waits for arrivals included */
function chunkMetrics(run: MeasuredRun, wallMs: number): Record<string, number | null> {
  const { latency, service, rows } = run
  const [p50, p90, p95, p99, max] = latency.quantiles([0.5, 0.9, 0.95, 0.99, 1])
  const [serviceP50] = service.quantiles([0.5])
  return {
    latency_mean_ms: latency.mean(),
    latency_p50_ms: p50 ?? null,
    latency_p90_ms: p90 ?? null,
    latency_p95_ms: p95 ?? null,
    latency_p99_ms: p99 ?? null,
    latency_max_ms: max ?? null,
    latency_per_row_us: rows > 0 ? (latency.total * 1000) / rows : null,
    service_mean_ms: service.mean(),
    service_p50_ms: serviceP50 ?? null,
    wall_s: latency.count > 0 ? wallMs / 1000 : null,
    throughput_rows_s: wallMs > 0 ? (rows * 1000) / wallMs : null,
    rows,
    chunks: latency.count,
  }
}

/** What the open loop adds, and what it takes away: its own waits keep timers waiting. */
function loadMetrics(load: OpenLoopResult): Record<string, number | null> {
  const { arrived, answered, latency, backlog } = load
  const share = (part: number | null) => (part === null || arrived === 0 ? null : part / arrived)
  return {
    event_latency_mean_ms: load.latencyMean,
    event_latency_p50_ms: latency.quantile(0.5),
    event_latency_p90_ms: latency.quantile(0.9),
    event_latency_p95_ms: latency.quantile(0.95),
    event_latency_p99_ms: latency.quantile(0.99),
    event_latency_p99_9_ms: latency.quantile(0.999),
    event_latency_max_ms: latency.quantile(1),
    event_wait_mean_ms: load.waitMean,
    goodput: share(load.inTime),
    answered_share: share(answered),
    arrived_events: arrived,
    shed_events: load.shed,
    waiting_events: load.waiting,
    untrained_events: load.untrained,
    backlog_max_rows: backlog.max,
    backlog_slope_rows_s: backlog.slope(),
    offered_rows_s: load.offered,
    achieved_rows_s: load.achieved,
    sustained: load.sustained === null ? null : Number(load.sustained),
    event_loop_delay_p99_ms: null,
    event_loop_delay_max_ms: null,
  }
}

/** Nothing but the memory was measured. */
function failed(thrown: unknown): WorkerReport {
  const error = blamed(trialErrorFrom(thrown))
  return {
    outcome: outcomeOf(error),
    error,
    metrics: {},
    peak_mb: memory.peakBytes > 0 ? memory.peakBytes / MIB : null,
    achieved: null,
    throttled_ms: null,
    window: null,
    energy: { joules: null, source: null },
    machine_busy_ms: null,
    noise: NO_NOISE_READINGS,
  }
}

/** Node reads its own plain objects: an entry that all of them inherit breaks its file functions, among others. */
function blamed(error: TrialError): TrialError {
  const added = ownKeys(Object.prototype).filter((key) => !entriesOfObject.has(key))
  if (added.length === 0) return error
  const message = `${error.message} (the workload has added ${added.map(String).join(', ')} to Object.prototype, which breaks functions of Node)`
  return { ...error, name: 'WorkloadError', message }
}

/** An allocation that V8 refuses by a RangeError is the cap at work as much as one that ends the thread. */
function outcomeOf({ name, message }: TrialError): Outcome {
  if (name === PROGRAM_ENDED) return 'crashed'
  if (name === 'MemoryCapError') return 'out_of_memory'
  if (name === 'RangeError' && /allocation failed/i.test(message)) return 'out_of_memory'
  return 'failed'
}
