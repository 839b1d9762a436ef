/** A coordinator's hands on another machine: takes rounds from the server, runs their trials here, hands the results in. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import { type NatsConnection, nuid } from '@nats-io/transport-node'
import type { Capabilities } from '../../../workers/protocol/supervisor.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import type { LocalResources, TrialSpec, WorkloadSource } from '../../../workers/protocol/trial-spec.ts'
import { makeOwnedFolder } from '../../ownership/leftovers.ts'
import { machineName, thisProcess } from '../../ownership/owner.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { readMachine } from '../../record/machine.ts'
import type { FleetMachine, Machine } from '../../record/types.ts'
import { VARIABLE_NAME, WITHHELD, WITHHELD_WORDS } from '../../sweep/env.ts'
import { UserError } from '../../user-error.ts'
import type { DuetExecutor } from '../executor.ts'
import { measureKernel } from '../kernel-speed.ts'
import { holdCores } from '../local/core.ts'
import { neverEnded } from '../trial-spec.ts'
import { hashWorkload } from '../workload-code.ts'
import {
  type Allowed,
  checkEnvironment,
  checkedJob,
  checkWorkload,
  duetWithinLimits,
  Refused,
  specsOf,
  withinLimits,
} from './check-job.ts'
import { Claims } from './claims.ts'
import { betterClock } from './clock.ts'
import { checkServer, connectTo, endConnection, inboxes } from './connection.ts'
import { AgentDisk, defaultAgentFolder } from './disk.ts'
import {
  ACK_WAIT_MS,
  AGENTS,
  BEAT_MS,
  codeName,
  DATA,
  dataName,
  HASH,
  type Job,
  LABEL,
  LARGE,
  MOST_DEATHS,
  mostBytes,
  type Outcome,
  Publisher,
  pack,
  packText,
  pause,
  pullOne,
  REGISTER_MS,
  subjects,
  type Taken,
  unpack,
  WORK,
} from './messages.ts'
import { machineMark, namesakeOf, nameTaken } from './names.ts'
import { fetchObject, fetchWhole } from './objects.ts'
import type { AgentOptions, AgentRecord } from './options.ts'

/** How long a pull waits at the server for work, ms. */
const PULL_MS = 3000
/** How often to ask for work of a label that no coordinator has named yet, unless one says that there is some, ms. */
const LOOK_MS = 10_000
/** A result that the server does not take for so long must not hold up the next trial, ms. */
const HAND_IN_MS = 3000
const RETRY_MS = 500
/** After jobs that could not be run, one after the other, the wait for the next is twice as long, up to this, ms. */
const MOST_RETRY_MS = 30_000
const CLOCK_EVERY = 15
const CORE_KEPT_MS = 60_000
/**
 * Works until `signal` is aborted, then gives back what it had begun.
 * @throws {UserError} where the options cannot be used, the server cannot be reached, or another machine's agent has the name
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const agent = new Agent(options)
  const nc = await connectTo(options, inboxes.agent(agent.name), `stint agent ${agent.name}`)
  try {
    await agent.work(nc)
  } finally {
    await endConnection(nc)
  }
}

type Fetch<Found> = (nc: NatsConnection, bucket: string, name: string) => Promise<Found | null>

interface Described {
  clock: FleetMachine['clock']
  kernelOpsS: number | null
  /** A `FleetMachine` as JSON. */
  text: string
  mark: string
}

interface Handing {
  /** The outcome as JSON, where that is known. */
  text?: string | undefined
  patienceMs?: number
}

class Agent {
  readonly name: string
  private readonly options: AgentOptions
  private readonly server: string
  /** Aborted where it is told to end, or has to. */
  private readonly signal: AbortSignal
  private readonly ending = new AbortController()
  /** Why it had to end. */
  private failure: Error | null = null
  private readonly labels: readonly string[]
  private readonly disk: AgentDisk
  private readonly allowed: Allowed
  private readonly allowedEnv: ReadonlySet<string>
  private readonly build: string
  private readonly machine: Machine
  private readonly process = nuid.next()
  private readonly at: AgentRecord['at']
  private readonly since = new Date().toISOString()
  private nc!: NatsConnection
  private publisher!: Publisher
  private claims!: Claims
  private can: Capabilities | null = null
  private clock: FleetMachine['clock'] = null
  private kernelOpsS: number | null = null
  /** What is said of this agent with each result. */
  private described: Described | null = null
  /** Why the last job could not be run; null where it could. */
  private trouble: string | null = null
  private readonly busy = new Set<AgentRecord['busy'][number]>()
  /** Slots that wait for work. */
  private readonly idle: ((message: Taken | null) => void)[] = []
  private wake: () => void = () => {}
  private look: () => void = () => {}
  private readonly cancels = new Map<string, Set<AbortController>>()
  private registered = false
  /** The server's number of the first record since there is a link. */
  private first: number | null = null
  private askingForName = false
  private core: { run: string; core: number | null; release(): void; timer: NodeJS.Timeout } | null = null

  constructor(options: AgentOptions) {
    this.options = options
    this.signal = this.ending.signal
    this.server = checkServer(options.server)
    const { labels, maxMemoryMb = null, maxCores = null, folder = defaultAgentFolder() } = options
    for (const label of labels)
      if (!LABEL.test(label))
        throw new UserError(`--labels ${label}: expected letters, digits, - and _, such as pi4,arm64`)
    if (labels.length === 0) throw new UserError('--labels: expected at least one, such as pi4')
    this.allowed = allowedBy(options.allowWorkloads ?? 'none')
    this.allowedEnv = new Set(options.allowEnv ?? [])
    for (const name of this.allowedEnv)
      if (!VARIABLE_NAME.test(name) || WITHHELD.has(name))
        throw new UserError(
          `--allow-env ${name}: ${WITHHELD.has(name) ? WITHHELD_WORDS : 'expected names of environment variables, such as PYTHONPATH,HF_HOME'}`,
        )
    this.build = hashWorkload('pipeline')
    this.machine = readMachine()
    const { pid, boot } = thisProcess()
    this.at = { host: machineName(), pid, boot }
    const own = JSON.stringify([labels, maxMemoryMb, maxCores, folder])
    const mark = createHash('sha256').update(own).digest('hex').slice(0, 6)
    this.name = options.name ?? `${machineName().replaceAll('.', '-').slice(0, 40)}-${mark}`
    if (!LABEL.test(this.name)) throw new UserError(`--name ${this.name}: expected letters, digits, - and _`)
    this.labels = [...new Set([...labels, this.name])]
    this.disk = new AgentDisk(folder, this.name)
  }

  async work(nc: NatsConnection): Promise<void> {
    const { slots = 1, onNote } = this.options
    const { signal } = this
    this.nc = nc
    this.publisher = new Publisher(nc, inboxes.agent(this.name))
    this.claims = new Claims(nc)
    // One for each slot and label, beside a few.
    setMaxListeners(0, signal)
    const end = () => this.ending.abort()
    if (this.options.signal.aborted) end()
    this.options.signal.addEventListener('abort', end, { once: true })
    const executors = Array.from({ length: slots }, () => this.options.startExecutor())
    const stop = () => {
      for (const waiting of this.idle.splice(0)) waiting(null)
      this.wake()
      this.look()
    }
    signal.addEventListener('abort', stop, { once: true })
    const control = [
      nc.subscribe(subjects.cancelAny, {
        callback: (_, message) => {
          const run = message.subject.split('.').at(-1)!
          for (const cancel of this.cancels.get(run) ?? []) cancel.abort()
        },
      }),
      nc.subscribe(subjects.look, { callback: () => this.look() }),
    ]
    void this.tellOfLink()
    try {
      this.can = await executors[0]!.capabilities()
      await this.giveWay()
      if (this.failure !== null) throw this.failure
      const beats = this.keepRegistered()
      const handingIn = this.handInWhatIsLeft()
      onNote(`agent ${this.name} waits for work for ${this.labels.join(', ')}`)
      const pulls = this.labels.map((label) => this.pull(label))
      await Promise.all(executors.map((executor) => this.slot(executor)))
      await Promise.all([...pulls, beats, handingIn])
      if (this.failure !== null) throw this.failure
    } finally {
      this.options.signal.removeEventListener('abort', end)
      signal.removeEventListener('abort', stop)
      for (const subscription of control) subscription.unsubscribe()
      this.releaseCore()
      await Promise.all(executors.map((executor) => executor.close()))
    }
  }

  // ---------------------------------------------------------------- who is there

  private record(): AgentRecord {
    return {
      ...this.asMachine(),
      process: this.process,
      at: this.at,
      first: this.first,
      slots: this.options.slots ?? 1,
      can: this.can!,
      busy: [...this.busy],
      trouble: this.trouble,
      since: this.since,
    }
  }

  private asMachine(): FleetMachine {
    const { maxMemoryMb = null, maxCores = null } = this.options
    return {
      name: this.name,
      id: this.disk.id,
      labels: this.labels.filter((label) => label !== this.name),
      stint: STINT_VERSION,
      build: this.build,
      machine: this.machine,
      limits: { max_memory_mb: maxMemoryMb, max_cores: maxCores },
      clock: this.clock,
      kernel_ops_s: this.kernelOpsS,
    }
  }

  private describe(): Described {
    const { clock, kernelOpsS } = this
    if (
      this.described === null ||
      this.described.clock !== clock ||
      this.described.kernelOpsS !== kernelOpsS
    ) {
      const machine = this.asMachine()
      this.described = { clock, kernelOpsS, text: JSON.stringify(machine), mark: machineMark(machine) }
    }
    return this.described
  }

  private description(): string {
    return this.describe().text
  }

  private get key(): string {
    return `$KV.${AGENTS}.${this.name}.${this.process}`
  }

  private async keepRegistered(): Promise<void> {
    const { signal } = this
    for (let beat = 0; !signal.aborted; beat++) {
      try {
        const began = performance.now()
        if (!(await this.register())) throw new Error('not registered')
        const [now, tookMs] = [Date.now(), performance.now() - began]
        if (!this.registered || beat % CLOCK_EVERY === 0) {
          void this.giveWay()
          await this.measureClock(now - tookMs / 2, tookMs / 2)
        }
        this.registered = true
      } catch {
        // No link now, or no coordinator has set the server up yet.
        this.registered = false
        this.first = null
      }
      await this.sleep(this.registered ? REGISTER_MS : RETRY_MS)
    }
    await this.publisher.publish(this.key, '', { isDelete: true, timeoutMs: REGISTER_MS }).catch(() => {})
  }

  /** @returns whether the server has it */
  private async register(): Promise<boolean> {
    const record = JSON.stringify(this.record())
    return this.publisher.publish(this.key, record, { timeoutMs: REGISTER_MS }).then(
      (sequence) => {
        this.first ??= sequence
        return true
      },
      () => false,
    )
  }

  /**
   * Ends where another machine has this name: looked at before the first job, and again whenever the link was down,
   * since both may have begun before they could know of each other.
   */
  private async giveWay(): Promise<void> {
    if (this.askingForName) return
    this.askingForName = true
    try {
      const other = await namesakeOf(this.nc, this.record(), this.first, this.signal)
      if (other !== null) this.failure ??= nameTaken(this.record(), other, this.server)
    } catch {
      // No link now, or no coordinator has set the server up yet: asked again once it registers.
    } finally {
      this.askingForName = false
    }
    if (this.failure !== null) this.ending.abort()
  }

  /**
   * The server stamps what it stores, at most `error_ms` before or after.
   * @param at by this machine's clock
   */
  private async measureClock(at: number, error_ms: number): Promise<void> {
    const jsm = await jetstreamManager(this.nc, { checkAPI: false })
    const stored = await jsm.direct.getMessage(`KV_${AGENTS}`, { last_by_subj: this.key })
    if (stored === null) return
    this.clock = betterClock(this.clock, { offset_ms: at - stored.time.getTime(), error_ms })
  }

  private async tellOfLink(): Promise<void> {
    for await (const { type } of this.nc.status()) {
      if (type === 'disconnect') this.options.onNote('the link to the server is down; what runs goes on')
      if (type !== 'reconnect') continue
      this.options.onNote('the link to the server is up again')
      this.look()
      void this.giveWay()
      void this.handInWhatIsLeft()
    }
  }

  // ---------------------------------------------------------------- taking work

  /** Asks for work of one label while a slot is free. */
  private async pull(label: string): Promise<void> {
    const { signal } = this
    while (!signal.aborted) {
      if (this.idle.length === 0) {
        await new Promise<void>((resolve) => {
          const before = this.wake
          this.wake = () => {
            before()
            resolve()
          }
        })
        continue
      }
      const message = await pullOne(
        this.nc,
        inboxes.agent(this.name),
        { stream: WORK, consumer: subjects.consumer(label) },
        { waitMs: PULL_MS, signal },
      )
      if (message === 'no consumer') await this.untilLook()
      else if (message !== null) {
        const slot = signal.aborted ? undefined : this.idle.shift()
        if (slot === undefined) message.giveBack()
        else slot(message)
      }
    }
  }

  private async untilLook(): Promise<void> {
    if (this.signal.aborted) return
    await new Promise<void>((resolve) => {
      const before = this.look
      const timer = setTimeout(() => this.look(), LOOK_MS)
      this.look = () => {
        clearTimeout(timer)
        this.look = before
        before()
        resolve()
      }
    })
  }

  private async slot(first: DuetExecutor): Promise<void> {
    const { onNote } = this.options
    const { signal } = this
    let executor = first
    let waitMs = RETRY_MS
    while (!signal.aborted) {
      const message = await new Promise<Taken | null>((resolve) => {
        this.idle.push(resolve)
        const wake = this.wake
        this.wake = () => {}
        wake()
      })
      if (message === null) return await executor.close()
      let usable = false
      try {
        usable = await this.handle(message, executor)
        this.trouble = null
        waitMs = RETRY_MS
      } catch (error) {
        // At once, so that another agent of the label takes it.
        message.giveBack()
        usable = error instanceof Refused
        this.trouble = this.troubleOf(error as NodeJS.ErrnoException)
        onNote(`a job ${usable ? 'is refused' : 'could not be run'}: ${this.trouble}`)
        await this.register()
        await this.sleep(waitMs)
        waitMs = Math.min(2 * waitMs, MOST_RETRY_MS)
      }
      if (usable) continue
      await executor.close()
      if (!signal.aborted) executor = this.options.startExecutor()
    }
    await executor.close()
  }

  private troubleOf({ code, message }: NodeJS.ErrnoException): string {
    if (code !== 'ENOSPC' && code !== 'EDQUOT') return message
    return `its disk has no room for data, code and results (${this.disk.folder}; ${code})`
  }

  /** @returns false where the executor was closed */
  private async handle(message: Taken, executor: DuetExecutor): Promise<boolean> {
    const [, , , run = '', key = ''] = message.subject.split('.')
    const doing = { run, key, now: 'fetching data and code' }
    const cancel = new AbortController()
    const cancels = this.cancels.get(run) ?? new Set()
    this.cancels.set(run, cancels.add(cancel))
    const stop = () => cancel.abort()
    this.signal.addEventListener('abort', stop, { once: true })
    const beats = setInterval(() => message.beat(), BEAT_MS)
    this.busy.add(doing)
    let folder: string | null = null
    cancel.signal.addEventListener('abort', () => void executor.close(), { once: true })
    try {
      const job = checkedJob(await unpack(message.data))
      if (job.run !== run || job.key !== key) throw new Refused('it is of another run than its subject says')
      if (specsOf(job).some(({ log_chunks }) => log_chunks)) folder = makeOwnedFolder()
      // A server that is gone ends no download.
      executor.provide(await Promise.race([this.resources(job, executor, folder), aborted(cancel.signal)]))
      cancel.signal.throwIfAborted()
      this.options.onNote(
        `${run} ${key}: ${job.work.kind === 'round' ? `${job.work.specs.length} trials` : 'a duet'}`,
      )
      const handed =
        job.work.kind === 'round'
          ? await this.round(job, job.work.specs, { executor, message, folder, doing, cancel: cancel.signal })
          : await this.duet(job, executor, cancel.signal)
      // Else the link is down: the message comes again, and what was saved is handed in then.
      if (handed) {
        message.ack()
        this.disk.finish(run, key)
      }
      return true
    } catch (error) {
      if (cancel.signal.aborted) {
        // The agent leaves: another one goes on. The coordinator has cancelled: nobody does.
        if (this.signal.aborted) message.giveBack()
        else message.drop()
        await this.claims.unclaim(run, key)
        return false
      }
      if (!(error instanceof Refused)) {
        // It gives the round back itself: that is no death.
        await this.claims.unclaim(run, key)
        throw error
      }
      const what = { kind: 'refused', reason: error.message } as const
      await this.handIn({ format: 1, run, key, id: key, agent: this.description(), what }, cancel.signal)
      throw new Refused(`${run} ${key}: ${error.message}`)
    } finally {
      clearInterval(beats)
      this.signal.removeEventListener('abort', stop)
      this.busy.delete(doing)
      cancels.delete(cancel)
      if (cancels.size === 0) this.cancels.delete(run)
      if (folder !== null) rmSync(folder, { recursive: true, force: true })
    }
  }

  /** @throws {Refused} where what the job refers to may not run here or is not what its hash says */
  private async resources(job: Job, executor: DuetExecutor, folder: string | null): Promise<LocalResources> {
    const workloads = new Map<string, WorkloadSource>()
    const data = new Map<string, string>()
    for (const spec of specsOf(job)) {
      const { workload, data: ref } = spec
      checkEnvironment(spec, this.allowedEnv)
      if (!workloads.has(workload.sha256)) {
        checkWorkload(workload, this.allowed, this.build)
        workloads.set(
          workload.sha256,
          workload.kind === 'builtin'
            ? workload.name
            : await this.disk.code(workload.sha256, async () =>
                unpack(await this.fetched(codeName(workload.sha256), fetchWhole)),
              ),
        )
      }
      const sha256 = ref?.fingerprint.sha256
      if (sha256 === undefined || data.has(sha256)) continue
      const ending = job.endings[sha256] ?? ''
      data.set(
        sha256,
        await this.disk.data(sha256, ending, () => this.fetched(dataName(sha256), fetchObject)),
      )
    }
    return {
      workloads,
      data,
      chunk_logs: folder,
      cpu_profiles: null,
      compute_scale: await this.scaleFor(job, executor),
    }
  }

  private async fetched<Found>(name: string, fetch: Fetch<Found>): Promise<Found> {
    const found = await fetch(this.nc, DATA, name)
    if (found === null) throw new Refused(`the server does not have ${name}`)
    return found
  }

  /** Cores of this machine for one compute unit: measured once, with nothing else on this agent's slot. */
  private async scaleFor({ relative_to }: Job, executor: DuetExecutor): Promise<number> {
    if (relative_to === null) return 1
    executor.provide({
      workloads: new Map(),
      data: new Map(),
      chunk_logs: null,
      cpu_profiles: null,
      compute_scale: 1,
    })
    this.kernelOpsS ??= await measureKernel(executor).catch((error: Error) => {
      // Another try would come to the same.
      throw new Refused(error.message)
    })
    return relative_to.kernel_ops_s / this.kernelOpsS
  }

  // ---------------------------------------------------------------- running it

  private async round(
    job: Job,
    specs: readonly TrialSpec[],
    on: {
      executor: DuetExecutor
      message: Taken
      /** For chunk logs; null where no trial has one. */
      folder: string | null
      doing: AgentRecord['busy'][number]
      cancel: AbortSignal
    },
  ): Promise<boolean> {
    const { run, key } = job
    const { executor, message, folder, doing, cancel } = on
    const scale = job.relative_to === null ? 1 : job.relative_to.kernel_ops_s / this.kernelOpsS!
    const cores = this.machine.cores
    const limited = specs.map((spec) => withinLimits(spec, this.asMachine().limits, scale, cores))
    const deaths = message.delivery > 1 ? await this.claims.deathsIn(run, key) : new Map<string, number>()
    const saved = new Map<string, Outcome>()
    // A round counts where one machine has done all of it: what was measured under other limits is measured again.
    for (const outcome of this.disk.saved(run, key))
      if (this.markOf(outcome) === this.describe().mark) saved.set(outcome.id, outcome)
    let claimed: string | null = null
    const claim = (id: string) => {
      if (claimed !== id) this.claims.claim(run, key, id, deaths)
      claimed = id
    }
    let handed = true
    for (const [index, spec] of limited.entries()) {
      cancel.throwIfAborted()
      const id = spec.trial
      let outcome = saved.get(id)
      let text: string | undefined
      if (outcome === undefined) {
        claim(id)
        doing.now = id
        const died = deaths.get(id) ?? 0
        executor.expect?.(limited.slice(index + 1))
        const result =
          died >= MOST_DEATHS
            ? { ...crashed(spec, died), machine: this.name }
            : await this.trial(spec, executor, specs[index]!)
        cancel.throwIfAborted()
        const chunk_log = folder === null ? null : logIn(folder, id)
        const what = { kind: 'trial', result, chunk_log } as const
        outcome = { format: 1, run, key, id, agent: this.description(), what }
        text = JSON.stringify(outcome)
        this.disk.save(outcome, text)
      }
      const handing = this.handIn(outcome, cancel, { text, patienceMs: HAND_IN_MS })
      // With the result, so that the link is used once for both.
      const next = limited[index + 1]?.trial
      if (next !== undefined && !saved.has(next)) claim(next)
      handed = (await handing) && handed
    }
    this.claims.claim(run, key, null, deaths)
    if (handed) return true
    // What the server did not take at once it has by now, or takes when the link is up again.
    for (const outcome of this.disk.saved(run, key)) if (!(await this.handIn(outcome, cancel))) return false
    return true
  }

  private async trial(spec: TrialSpec, executor: DuetExecutor, asked: TrialSpec): Promise<TrialResult> {
    const alone = this.busy.size === 1
    const result = await executor.run(spec)
    const notes = [...result.notes]
    for (const cap of ['max_memory_mb', 'max_compute_units'] as const)
      if (spec.caps[cap] !== asked.caps[cap]) notes.push(`${cap} ${spec.caps[cap]} is the agent's own limit`)
    const named = { ...result, notes, machine: this.name }
    if (named.outcome !== 'ok' || (alone && this.busy.size === 1)) return named
    // Counters count the whole machine, and another slot's part of it is not known here.
    return { ...named, energy: { joules: null, source: null, shared: true } }
  }

  private async duet(job: Job, executor: DuetExecutor, cancel: AbortSignal): Promise<boolean> {
    if (job.work.kind !== 'duet') return false
    const { run, key } = job
    const spec = duetWithinLimits(job.work.spec, this.asMachine().limits, this.machine.cores)
    const { baseline, candidate } = spec.sides
    const core = await this.coreFor(run, candidate.caps.pin_core, cancel)
    const pinned = { ...candidate, caps: { ...candidate.caps, pin_core: core } }
    const report = await executor.duet({ ...spec, sides: { baseline, candidate: pinned } })
    cancel.throwIfAborted()
    const what = { kind: 'duet', report } as const
    const outcome: Outcome = { format: 1, run, key, id: spec.duet, agent: this.description(), what }
    return await this.handIn(outcome, cancel)
  }

  /** One core for all duets of a gate. */
  private async coreFor(run: string, asked: number | null, signal: AbortSignal): Promise<number | null> {
    if (this.core?.run !== run || (asked !== null && this.core.core !== asked)) {
      this.releaseCore()
      const { onNote: onStep } = this.options
      const held = await holdCores({ asked: [asked], patienceMs: CORE_KEPT_MS, signal, onStep })
      const timer = setTimeout(() => this.releaseCore(), CORE_KEPT_MS).unref()
      this.core = { run, core: asked ?? held.core, release: held.release, timer }
    }
    this.core!.timer.refresh()
    return this.core!.core
  }

  private releaseCore(): void {
    if (this.core === null) return
    clearTimeout(this.core.timer)
    this.core.release()
    this.core = null
  }

  // ---------------------------------------------------------------- handing in

  /** @returns whether the server has it; false only after `patienceMs`, or once cancelled */
  private async handIn(
    outcome: Outcome,
    cancel: AbortSignal,
    { text = JSON.stringify(outcome), patienceMs = Infinity }: Handing = {},
  ): Promise<boolean> {
    const until = performance.now() + patienceMs
    const { run, key, id } = outcome
    // Each refusal is to be heard: whether another agent can take the job differs from time to time.
    const msgID =
      outcome.what.kind === 'refused'
        ? nuid.next()
        : `${run}/${key}/${id}/${this.name}/${this.markOf(outcome)}`
    for (let told = false; ; told = true) {
      try {
        const packed = packText(text)
        const payload = packed.length <= mostBytes(this.nc) ? packed : await this.left(packed, msgID)
        const subject = subjects.results(run, key, this.name)
        await this.publisher.publish(subject, payload, { msgID, timeoutMs: HAND_IN_MS })
        return true
      } catch (error) {
        if (!told)
          this.options.onNote(`${id} is kept here until the server takes it (${(error as Error).message})`)
      }
      if (cancel.aborted || this.nc.isClosed() || performance.now() > until) return false
      await pause(RETRY_MS)
    }
  }

  /** Of the machine as it was when that was measured. */
  private markOf({ agent }: Outcome): string {
    const { text, mark } = this.describe()
    return agent === text ? mark : markIn(agent)
  }

  /** @returns what says where it was left, for what is too large for a message */
  private async left(payload: Uint8Array, name: string): Promise<Uint8Array> {
    const store = await new Objm(this.nc).open(LARGE, false)
    await store.putBlob({ name }, payload)
    return pack({ format: 1, large: name })
  }

  /** What an agent of this name measured and could not hand in before it ended, or before the link was cut. */
  private async handInWhatIsLeft(): Promise<void> {
    const { signal } = this
    const under = new Set([...this.busy].map(({ run, key }) => `${run} ${key}`))
    for (const outcome of this.disk.left()) {
      if (signal.aborted) return
      if (!under.has(`${outcome.run} ${outcome.key}`))
        await this.handIn(outcome, signal, { patienceMs: ACK_WAIT_MS })
    }
  }

  private async sleep(ms: number): Promise<void> {
    const { signal } = this
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal.addEventListener('abort', end, { once: true })
    })
  }
}

/** Nothing where it is no description. */
function markIn(agent: string): string {
  try {
    return machineMark(JSON.parse(agent) as FleetMachine)
  } catch {
    return ''
  }
}

/** Rejects once the signal is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

function allowedBy(given: string): Allowed {
  if (given === 'none' || given === 'any') return given
  let lines: string[]
  try {
    lines = readFileSync(given, 'utf8').split('\n')
  } catch (error) {
    throw new UserError(
      `--allow-workloads ${given}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
      'expected none, any, or a file with the SHA-256 of a workload per line',
    )
  }
  const hashes = lines
    .map((line) => line.trim().split(/\s+/)[0]!)
    .filter((word) => word !== '' && !word.startsWith('#'))
  const wrong = hashes.find((word) => !HASH.test(word))
  if (wrong !== undefined) throw new UserError(`--allow-workloads ${given}: ${wrong} is no SHA-256`)
  return new Set(hashes)
}

function logIn(folder: string, trial: string): string | null {
  const path = join(folder, `${trial}.jsonl`)
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

/** The result of a trial that is not begun again. */
function crashed(spec: TrialSpec, deaths: number): TrialResult {
  const message = `the agent that ran it went away ${deaths} times while it ran: it was killed, or its machine or its link failed`
  return neverEnded(spec, { name: 'AgentLost', message })
}
