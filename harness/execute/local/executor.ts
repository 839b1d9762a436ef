/** Runs trials on this machine, each in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import {
  DUET_DEADLINES,
  type DuetJob,
  type DuetReport,
  type DuetSpec,
} from '../../../workers/protocol/duet.ts'
import type { InputProblem, PrepareResult, PrepareSpec } from '../../../workers/protocol/prepare.ts'
import type { LivePublishSpec } from '../../../workers/protocol/publish.ts'
import type {
  Capabilities,
  ComputeCapInForce,
  MemoryCapInForce,
  OwnLimits,
} from '../../../workers/protocol/supervisor.ts'
import { removeTemporary } from '../../../workers/protocol/temporary.ts'
import { GROUP_SIGNALS, type TrialReport, type TrialSignal } from '../../../workers/protocol/trial-process.ts'
import type { ComputeMechanism, TrialResult } from '../../../workers/protocol/trial-result.ts'
import {
  dataKey,
  type LocalResources,
  type TrialJob,
  type TrialSpec,
  type TrialStart,
} from '../../../workers/protocol/trial-spec.ts'
import { trialErrorFrom } from '../../../workers/untrusted.ts'
import { endProcessesOf, makeOwnedFolder, removeLeftovers } from '../../ownership/leftovers.ts'
import { workloadName } from '../../sweep/paths.ts'
import type { DuetExecutor } from '../executor.ts'
import { entryFile } from './entries.ts'
import { trialEnvironment, workerEnvironment } from './environment.ts'
import { monotonicMs, receiveDuet, receivePrepared, receiveReport } from './receive.ts'
import { Supervisor, type Watch } from './supervisor.ts'
import { manyTasksFree, metTaskLimit, taskLimitMessage } from './task-limit.ts'
import { type ProcessEnding, TrialProcess } from './trial-process.ts'
import { type CapsInForce, outcomeOfDeath, toTrialResult } from './trial-result.ts'

export interface LocalExecutorOptions {
  /**
   * Only this compute mechanism, for tests and comparisons; otherwise the one that the environment variable
   * STINT_COMPUTE_MECHANISM names, or the best that this machine permits.
   */
  mechanism?: ComputeMechanism
  /** Where the folders for the trials' temporary files are made; the system's by default. */
  temporaryRoot?: string
  /** Trials connect to a broker as whom the environment says; false where others' trials run. */
  credentials?: boolean
  /** Called with all that trial processes and workloads print; by default it is dropped. */
  onOutput?(text: string): void
}

/** The supervisor kills so long after the trial process's own deadline, which gives the better message. */
const DEADLINE_GRACE_MS = 2000
/** A Ctrl-C kills a trial process that has only just started; the coordinator's own `close` follows within this. */
const INTERRUPT_GRACE_MS = 250
/** How often a job is started that signals to the group end. */
const STARTS = 3

type Entry = 'trial-process' | 'duet-process' | 'prepare'

/** A process for a trial, whose worker stands empty or soon will. */
interface Started {
  /** The same for trials that it would do for. */
  like: string
  child: TrialProcess<TrialReport>
  /** For its temporary files. */
  folder: string
  /** Once its worker stands empty. */
  memory: Promise<MemoryCapInForce>
  /** Resolves once it takes no processor time any more: it stands empty, or is gone. */
  ready: Promise<void>
  /** For all signals that follow. */
  onSignal(signal: TrialSignal['stint']): void
}

/** What a process of a workload finds around it. */
interface Surroundings {
  /** For its temporary files. */
  folder: string
  /** Of environment variables that the sweep hands over. */
  names: readonly string[]
  /** Whether it connects to a broker. */
  brokers: boolean
}

/**
 * On one core helper threads gain nothing, and a worker that waits for one of them waits for whoever else has the core.
 * So each worker collects its garbage and compiles by itself, which its own CPU time then shows.
 */
const DUET_FLAGS = ['--single-threaded']

/** A process that takes longer to start, on a machine that is very busy, is not waited for. */
const LONGEST_START_MS = 10_000
/** Of the memory that is free, a process that is started ahead may count on so much, MB; it takes about a tenth of it. */
const ROOM_AHEAD_MB = 512

/** What a workload may take to load and describe itself where no cap says less, MB. */
const DESCRIBE_MB = 1024
/** Of the machine's memory, what reading data may take. */
const READING_SHARE = 1 / 2
const MIB = 1024 * 1024

const NO_RESOURCES: LocalResources = {
  workloads: new Map(),
  data: new Map(),
  chunk_logs: null,
  cpu_profiles: null,
  compute_scale: 1,
}

const NO_DUET = {
  pairs: 0,
  sums: null,
  chunks: null,
  profile: null,
  outputs: null,
  complete: false,
  core: null,
}

export class LocalExecutor implements DuetExecutor {
  private readonly supervisor: Supervisor
  private readonly temporary: string
  private readonly onOutput: (text: string) => void
  private readonly credentials: boolean
  private readonly processes = new Set<TrialProcess<unknown>>()
  /** Trials that run now, and whether another ran beside each at any time. */
  private readonly running = new Map<string, { shared: boolean }>()
  private readonly freeFolders: string[] = []
  /** Trials that are likely to be next, in order. */
  private next: readonly TrialSpec[] = []
  /** Whether processes for trials to come may take from a limit on their number; null before it is known. */
  private tasksFree: boolean | null = null
  /** Started for trials to come. */
  private ahead: Started[] = []
  private folders = 0
  private closed = false
  /** Whether the supervisor did not live to end what trials had started. */
  private isAbandoned = false
  private resources = NO_RESOURCES

  constructor(options: LocalExecutorOptions = {}) {
    // What a killed run left would take memory and processor time from the trials of this one.
    removeLeftovers(options.temporaryRoot)
    this.temporary = makeOwnedFolder(options.temporaryRoot)
    this.onOutput = options.onOutput ?? (() => {})
    this.credentials = options.credentials ?? true
    this.supervisor = new Supervisor(options.mechanism ?? null, this.temporary)
    void this.supervisor.ended.then(() => {
      this.isAbandoned = !this.closed
      this.killProcesses()
    })
  }

  /** What caps this machine can enforce, so that a sweep can be refused before its first trial. */
  capabilities(): Promise<Capabilities> {
    return this.supervisor.capabilities
  }

  provide(resources: LocalResources): void {
    this.resources = resources
  }

  expect(next: readonly TrialSpec[]): void {
    this.next = next
  }

  /** Does not wait until the supervisor knows what it can enforce: memory it watches in any case. */
  async prepare(spec: PrepareSpec): Promise<PrepareResult> {
    const folder = this.takeFolder()
    try {
      const watch = { timeoutMs: null, startsEmpty: true, capsMemory: false, capsCompute: false }
      // What reads the data may connect to a broker.
      const surroundings = { folder, names: spec.env ?? [], brokers: this.credentials }
      let capMb = 0
      const { ending, pid } = await this.play(() =>
        this.start<PrepareResult>('prepare', spec, surroundings, watch, (signal, child) => {
          // The workload's own code first, then what reads the data.
          capMb = signal === 'empty' ? (spec.describe_mb ?? DESCRIBE_MB) : READING_SHARE * (totalmem() / MIB)
          void this.capPreparing(child, capMb)
        }),
      )
      const { killed } = await this.supervisor.unwatch(pid, null)
      if (killed === 'memory' || killed === 'cgroup_memory')
        return { ok: false, error: tooLarge(spec, capMb) }
      if (ending.kind === 'result') return receivePrepared(ending.result, workloadName(spec.workload))
      return {
        ok: false,
        error: { message: `preparing ${workloadName(spec.workload)} failed: ${describeEnding(ending)}` },
      }
    } finally {
      this.returnFolder(folder)
    }
  }

  async run(spec: TrialSpec): Promise<TrialResult> {
    const { limits } = await this.supervisor.capabilities
    const job = this.jobOf(spec, limits.throttle_counts)
    const startedAt = new Date()
    const requested = performance.now()
    const mine = { shared: false }
    this.running.set(spec.trial, mine)
    if (this.running.size > 1) for (const trial of this.running.values()) trial.shared = true
    const publisher = publisherFor(job, this.credentials)
    const folders: string[] = []
    try {
      const caps: CapsInForce = { memory: null, compute: null }
      const begun = monotonicMs()
      // Of a process that was started ahead, before it has its trial: its end says nothing of the trial.
      let isUnused = false
      const { ending: sent, pid } = await this.play(
        () => {
          const waiting = this.takeAhead(spec)
          const started = waiting ?? this.startTrial(spec)
          // For its start, which may hang; the trial's own time begins when it is handed over.
          this.supervisor.assign(started.child.pid, deadlineMs(spec))
          if (waiting === null) this.startAhead(limits, 1)
          folders.push(started.folder)
          isUnused = waiting !== null
          void this.hand(job, started, caps, () => {
            isUnused = false
          })
          return started.child
        },
        () => isUnused,
      )
      const waits = spec.driver.kind === 'open'
      const ending: ProcessEnding<TrialReport> =
        sent.kind === 'result'
          ? { kind: 'result', result: receiveReport(sent.result, { from: begun, to: monotonicMs() }, waits) }
          : sent
      const window = ending.kind === 'result' ? ending.result.window : null
      const summary = await this.supervisor.unwatch(pid, window)
      const result = toTrialResult({ job, ending, summary, caps, shared: mine.shared, startedAt, requested })
      if (result.outcome !== 'ok') removeIfEmpty(job.chunk_log)
      removeIfEmpty(job.error_log)
      return result
    } finally {
      publisher?.kill('SIGKILL')
      this.running.delete(spec.trial)
      if (this.next.length === 0) this.drop(this.ahead)
      for (const folder of folders) this.returnFolder(folder)
    }
  }

  async duet(spec: DuetSpec): Promise<DuetReport> {
    const { limits } = await this.supervisor.capabilities
    const folder = this.takeFolder()
    try {
      const { baseline, candidate } = spec.sides
      const { caps } = candidate
      const timeout_s = DUET_DEADLINES * Math.max(baseline.deadline_s, candidate.deadline_s)
      const timeoutMs = timeout_s * 1000 + DEADLINE_GRACE_MS
      const job: DuetJob = {
        spec,
        sides: {
          baseline: this.jobOf(baseline, limits.throttle_counts),
          candidate: this.jobOf(candidate, limits.throttle_counts),
        },
      }
      // No cap holds the process: what one worker used would be taken from the other.
      const watch = { timeoutMs, startsEmpty: false, capsMemory: false, capsCompute: false }
      const surroundings = { folder, names: [...baseline.env, ...candidate.env], brokers: false }
      this.drop(this.ahead)
      const begun = monotonicMs()
      const { ending, pid } = await this.play(() =>
        this.start<DuetReport>('duet-process', job, surroundings, watch, (signal, child) => {
          if (signal === 'finished') this.supervisor.release(child.pid)
        }),
      )
      const { killed } = await this.supervisor.unwatch(pid, null)
      if (ending.kind === 'result') return receiveDuet(ending.result, { from: begun, to: monotonicMs() })
      const failure =
        ending.kind === 'death'
          ? outcomeOfDeath(ending.death, killed, { max_memory_mb: caps.max_memory_mb, timeout_s })
          : { outcome: 'failed' as const, error: trialErrorFrom(ending.error) }
      return { ...NO_DUET, failure: { side: null, ...failure } }
    } finally {
      this.returnFolder(folder)
    }
  }

  async close(): Promise<void> {
    this.closed = true
    this.killProcesses()
    await Promise.all([...this.processes].map((child) => child.ended))
    await this.supervisor.close()
    if (this.isAbandoned) endProcessesOf(this.temporary)
    try {
      removeTemporary(this.temporary)
    } catch {
      // What a workload left there cannot be removed; the next start tries again.
    }
  }

  /**
   * Runs a job in a process of its own. One that a signal to the group ended was only just starting, since later it
   * ignores it; where this process goes on all the same, the job starts again. So does one whose process ended unused.
   */
  private async play<R>(
    start: () => TrialProcess<R>,
    isUnused: () => boolean = () => false,
  ): Promise<{ ending: ProcessEnding<R>; pid: number }> {
    for (let left = STARTS; ; left--) {
      const child = start()
      const ending = await child.ended
      const interrupted = ending.kind === 'death' && isOneOf(GROUP_SIGNALS, ending.death.signal)
      if (interrupted) await pause(INTERRUPT_GRACE_MS)
      this.refuseIfClosed()
      const again = interrupted || (ending.kind === 'death' && isUnused())
      if (!again || left === 1) return { ending, pid: child.pid }
      await this.supervisor.unwatch(child.pid, null)
    }
  }

  private start<R>(
    entry: Entry,
    job: unknown,
    { folder, names, brokers }: Surroundings,
    watch: Omit<Watch, 'temporary'>,
    onSignal: (signal: TrialSignal['stint'], child: TrialProcess<R>) => void,
  ): TrialProcess<R> {
    this.refuseIfClosed()
    const child: TrialProcess<R> = new TrialProcess<R>({
      filename: entryFile(entry),
      name: entry === 'prepare' ? 'prepare' : 'run',
      flags: entry === 'duet-process' ? DUET_FLAGS : [],
      job,
      environment: trialEnvironment(names, brokers, { TMPDIR: folder }),
      onOutput: this.onOutput,
      onSignal: (signal) => onSignal(signal, child),
    })
    // Before anything else: from here on it cannot outlive this process.
    this.supervisor.watch(child.pid, { ...watch, temporary: folder })
    this.processes.add(child)
    void child.ended.then(() => this.processes.delete(child))
    return child
  }

  // ---------------------------------------------------------------- processes started ahead of their trials

  /** Starts a process that such a trial can run in. Once its worker stands empty, its memory is capped and it waits. */
  private startTrial(spec: TrialSpec): Started {
    const { max_memory_mb, memory_scope, max_compute_units } = spec.caps
    const folder = this.takeFolder()
    const surroundings = { folder, names: spec.env, brokers: this.usesBroker(spec) }
    const watch = {
      timeoutMs: null,
      startsEmpty: true,
      capsMemory: max_memory_mb !== null,
      capsCompute: max_compute_units !== null,
    }
    const start: TrialStart = { max_memory_mb, memory_scope }
    let isEmpty = () => {}
    const empty = new Promise<void>((resolve) => {
      isEmpty = resolve
    })
    const onSignal = (signal: TrialSignal['stint']) =>
      signal === 'empty' ? isEmpty() : started.onSignal(signal)
    const child = this.start<TrialReport>('trial-process', start, surroundings, watch, onSignal)
    const memory = empty.then(() => this.supervisor.capMemory(child.pid, max_memory_mb, memory_scope))
    const settled = () => {}
    // One that ends before has no memory to cap.
    const ready = Promise.race([memory, child.ended]).then(settled, settled)
    const started: Started = { like: this.likeOf(spec), child, folder, memory, ready, onSignal: settled }
    return started
  }

  /** Hands a process its trial, once nothing starts beside it any more. */
  private async hand(job: TrialJob, started: Started, caps: CapsInForce, onGiven: () => void): Promise<void> {
    const { child, memory } = started
    started.onSignal = (signal) =>
      signal === 'given' ? onGiven() : void this.serve(child, job, caps, signal)
    try {
      caps.memory = await memory
      const others = Promise.all(this.ahead.map(({ ready }) => ready)).then(() => true)
      // It holds nothing up that has ended otherwise.
      const late = pause(LONGEST_START_MS, false).then(() => false)
      if (!(await Promise.race([others, late]))) this.drop(this.ahead)
      this.supervisor.assign(child.pid, deadlineMs(job.spec))
      child.permit({ stint: 'go', compute: null, refused: memoryRefusal(job.spec, caps.memory), job })
    } catch {
      // The supervisor is gone: its end kills the trial process, and run() rejects.
      child.kill()
    }
  }

  /**
   * Starts processes for the trials to come while nothing is timed: as many as there are cores take about as long
   * together as one. Only where no other trial is under way, and once those from the last time are used up.
   * @param starting processes that start at this moment
   */
  private startAhead({ memory_limit_mb }: OwnLimits, starting: number): void {
    if (this.closed || this.running.size > 1) return
    const likely = this.next.map((spec) => this.likeOf(spec))
    this.drop(this.ahead.filter(({ like }) => !likely.includes(like)))
    if (this.ahead.length > 0) return
    this.tasksFree ??= manyTasksFree()
    if (!this.tasksFree) return
    const room = Math.min(freemem() / MIB, memory_limit_mb ?? Number.POSITIVE_INFINITY)
    const count = Math.min(availableParallelism() - starting, Math.floor(room / ROOM_AHEAD_MB))
    try {
      for (const spec of this.next.slice(0, Math.max(0, count))) {
        const started = this.startTrial(spec)
        this.ahead.push(started)
        void started.child.ended.then(() => this.drop(this.ahead.filter((one) => one === started)))
      }
    } catch {
      // A trial that finds no process says why.
    }
  }

  private takeAhead(spec: TrialSpec): Started | null {
    const like = this.likeOf(spec)
    const index = this.ahead.findIndex((started) => started.like === like && started.child.isAlive)
    return index < 0 ? null : this.ahead.splice(index, 1)[0]!
  }

  private drop(unused: readonly Started[]): void {
    this.ahead = this.ahead.filter((started) => !unused.includes(started))
    for (const { child, folder } of unused) {
      child.kill()
      void child.ended
        .then(() => this.supervisor.unwatch(child.pid, null))
        .then(
          () => this.returnFolder(folder),
          // The supervisor is gone, and so is all else.
          () => {},
        )
    }
  }

  /** The same for trials that one process would do for. */
  private likeOf(spec: TrialSpec): string {
    const { max_memory_mb, memory_scope, max_compute_units } = spec.caps
    const caps = [max_memory_mb, memory_scope, max_compute_units !== null]
    return JSON.stringify([caps, spec.env, this.usesBroker(spec)])
  }

  private usesBroker({ driver }: TrialSpec): boolean {
    return this.credentials && driver.kind === 'open' && driver.through !== null
  }

  /** The spec with what it refers to as this machine has it. */
  private jobOf(spec: TrialSpec, throttle_counts: string[]): TrialJob {
    const { workloads, data, chunk_logs, cpu_profiles, compute_scale } = this.resources
    const { max_compute_units } = spec.caps
    return {
      spec,
      workload:
        spec.workload.kind === 'builtin'
          ? builtin(spec.workload.name)
          : found(workloads, spec.workload.sha256, `workload ${spec.workload.name}`),
      data: spec.data === null ? null : found(data, dataKey(spec.data), 'data'),
      error_log:
        spec.workload.kind === 'command' && chunk_logs !== null
          ? join(chunk_logs, `${spec.trial}.stderr.log`)
          : null,
      chunk_log: spec.log_chunks && chunk_logs !== null ? join(chunk_logs, `${spec.trial}.jsonl`) : null,
      cpu_profile:
        spec.profiled && cpu_profiles !== null ? join(cpu_profiles, `${spec.trial}.cpuprofile`) : null,
      compute_units: max_compute_units === null ? null : max_compute_units * compute_scale,
      live: liveOf(spec),
      throttle_counts,
    }
  }

  /** Puts the caps in force as the trial process gets ready for them. */
  private async serve(
    child: TrialProcess<TrialReport>,
    { spec, compute_units }: TrialJob,
    caps: CapsInForce,
    signal: TrialSignal['stint'],
  ): Promise<void> {
    try {
      if (signal === 'measured' || signal === 'finished') {
        this.supervisor.release(child.pid)
        const { limits } = await this.supervisor.capabilities
        if (signal === 'finished') this.startAhead(limits, 0)
        return
      }
      const { pin_core } = spec.caps
      if (compute_units !== null || pin_core !== null) {
        caps.compute = await this.supervisor.capCompute(child.pid, compute_units, pin_core)
      }
      this.supervisor.begin(child.pid)
      child.permit({
        stint: 'go',
        compute: caps.compute,
        refused: refusal(spec, caps.compute),
        job: null,
      })
    } catch {
      // The supervisor is gone: its end kills the trial process, and run() rejects.
      child.kill()
    }
  }

  private async capPreparing(child: TrialProcess<PrepareResult>, capMb: number): Promise<void> {
    try {
      await this.supervisor.capMemory(child.pid, capMb, 'workload')
      child.permit({ stint: 'go', compute: null, refused: null, job: null })
    } catch {
      // The supervisor is gone, or the executor was closed meanwhile.
      child.kill()
    }
  }

  private killProcesses(): void {
    for (const child of this.processes) child.kill()
  }

  private takeFolder(): string {
    this.refuseIfClosed()
    const free = this.freeFolders.pop()
    if (free !== undefined) return free
    const folder = join(this.temporary, String(++this.folders))
    mkdirSync(folder)
    return folder
  }

  /** Emptied of what a workload left, such as spilled state of one that was killed. */
  private returnFolder(folder: string): void {
    if (this.closed) return
    try {
      for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true, force: true })
      this.freeFolders.push(folder)
    } catch {
      // Removed by the workload, or it left what cannot be removed: used no more.
    }
  }

  private refuseIfClosed(): void {
    if (this.closed) throw new Error('the executor is closed')
  }
}

function isOneOf<T>(known: readonly T[], value: T | null): boolean {
  return value !== null && known.includes(value)
}

function tooLarge(spec: PrepareSpec, capMb: number): InputProblem {
  const name = workloadName(spec.workload)
  const most = `${Math.round(capMb)} MB`
  return capMb === (spec.describe_mb ?? DESCRIBE_MB)
    ? {
        message: `workload ${name}: it took more than ${most} to load and describe itself`,
        hint: 'as a trial may take no more than max_memory_mb; leave what needs memory to open(), or raise the cap',
      }
    : {
        message: `preparing ${name} failed: reading its data took more than ${most}, half of this machine's memory`,
        hint: 'use fewer columns or rows (dataset.columns, dataset.rows)',
      }
}

/** What a worker loads a built-in workload by. */
function builtin(name: string): string {
  return name === 'probe' ? entryFile('probe') : name
}

function liveOf({ driver }: TrialSpec): TrialJob['live'] {
  if (driver.kind !== 'open' || driver.through === null) return null
  return { url: driver.through, id: randomBytes(12).toString('hex') }
}

/** Starts the process that sends a trial's events, outside its caps; null where they are handed over in process. */
function publisherFor({ spec, data, live }: TrialJob, credentials: boolean): ChildProcess | null {
  const { driver } = spec
  if (live === null || driver.kind !== 'open' || spec.data === null) return null
  const child = fork(entryFile('publisher'), [], {
    execArgv: [],
    env: credentials ? workerEnvironment({}) : trialEnvironment(spec.env, false, {}),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const order: LivePublishSpec = { data: { ...spec.data, path: data! }, live, driver }
  // It may be gone already, as after a signal to all: the trial then waits in vain, and says so.
  child.on('error', () => {})
  child.send(order)
  return child
}

function found<T>(places: ReadonlyMap<string, T>, key: string, what: string): T {
  const path = places.get(key)
  if (path === undefined) throw new Error(`${what} with sha256 ${key} was not provided`)
  return path
}

function strict(spec: TrialSpec): boolean {
  return spec.caps.policy === 'strict'
}

function memoryRefusal(spec: TrialSpec, memory: MemoryCapInForce): string | null {
  if (spec.caps.max_memory_mb === null) return null
  if (memory.error !== null) return memory.error
  if (memory.allowance_mb !== null || !strict(spec)) return null
  return 'max_memory_mb cannot be enforced: resident memory is not readable on this machine'
}

function refusal(spec: TrialSpec, compute: ComputeCapInForce | null): string | null {
  if (compute === null || compute.error === null || !strict(spec)) return null
  const asked =
    spec.caps.max_compute_units === null ? '' : `max_compute_units ${spec.caps.max_compute_units} `
  return `${asked}cannot be enforced: ${compute.error}. Use "caps: best_effort" to run all the same`
}

function describeEnding(ending: Exclude<ProcessEnding<unknown>, { kind: 'result' }>): string {
  if (ending.kind === 'error') return trialErrorFrom(ending.error).message
  const { code, signal, stderr } = ending.death
  if (metTaskLimit(stderr, signal === 'SIGABRT')) return taskLimitMessage()
  const last = stderr.trim().split('\n').at(-1) ?? ''
  return `its process ended with ${signal ?? `exit code ${code}`}${last === '' ? '' : `: ${last}`}`
}

/** A worker that was killed takes its chunks' measurements with it: an empty log would say that there were none. */
function removeIfEmpty(log: string | null): void {
  if (log !== null && statSync(log, { throwIfNoEntry: false })?.size === 0) rmSync(log, { force: true })
}

/** For the supervisor, which kills later than the trial process gives up. */
function deadlineMs({ deadline_s }: TrialSpec): number {
  return deadline_s * 1000 + DEADLINE_GRACE_MS
}

/** @param holds whether this process goes on for it where nothing else is left */
function pause(ms: number, holds = true): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    if (!holds) timer.unref()
  })
}
