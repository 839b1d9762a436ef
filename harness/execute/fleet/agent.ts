/** A coordinator's hands on another machine: takes jobs from the server, a slot at a time. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import type { NatsConnection } from '@nats-io/transport-node'
import { makeOwnedFolder } from '../../ownership/leftovers.ts'
import { machineName } from '../../ownership/owner.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { readMachine } from '../../record/machine.ts'
import { VARIABLE_NAME, WITHHELD, WITHHELD_WORDS } from '../../sweep/env.ts'
import { UserError } from '../../user-error.ts'
import type { DuetExecutor } from '../executor.ts'
import { hashWorkload } from '../workload-code.ts'
import { type Allowed, checkedJob, Refused, specsOf } from './check-job.ts'
import { Claims } from './claims.ts'
import { checkServer, connectTo, endConnection, inboxes } from './connection.ts'
import { AgentDisk, defaultAgentFolder } from './disk.ts'
import { hardwareMark } from './hardware.ts'
import { Jobs, type Permits } from './jobs.ts'
import {
  BEAT_MS,
  HASH,
  LABEL,
  LABEL_WORDS,
  Publisher,
  pullOne,
  sleep,
  subjects,
  type Taken,
  unpack,
  WORK,
} from './messages.ts'
import type { AgentOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import { Presence, type Self } from './presence.ts'

/** How long a pull waits at the server for work, ms. */
const PULL_MS = 3000
/** How often to ask for work of a label that no coordinator has named yet, unless one says that there is some, ms. */
const LOOK_MS = 10_000
const RETRY_MS = 500
/** After jobs that could not be run, one after the other, the wait for the next is twice as long, up to this, ms. */
const MOST_RETRY_MS = 30_000

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

interface Parts {
  nc: NatsConnection
  claims: Claims
  presence: Presence
  outbox: Outbox
  jobs: Jobs
}

class Agent {
  readonly name: string
  private readonly options: AgentOptions
  private readonly server: string
  /** Aborted when the agent is to end: it was asked to, or cannot go on. */
  private readonly signal: AbortSignal
  private readonly ending = new AbortController()
  /** Why it had to end. */
  private failure: Error | null = null
  /** Its name among them. */
  private readonly labels: readonly string[]
  private readonly self: Self
  private readonly disk: AgentDisk
  private readonly permits: Permits
  /** Null until it is known what can be enforced here. */
  private working: Parts | null = null
  /** Slots that wait for work. */
  private readonly idle: ((message: Taken | null) => void)[] = []
  private wake: () => void = () => {}
  private look: () => void = () => {}
  private readonly cancels = new Map<string, Set<AbortController>>()

  constructor(options: AgentOptions) {
    this.options = options
    this.signal = this.ending.signal
    this.server = checkServer(options.server)
    const { labels, maxMemoryMb = null, maxCores = null, folder = defaultAgentFolder() } = options
    for (const label of labels)
      if (!LABEL.test(label))
        throw new UserError(`--labels ${label}: expected ${LABEL_WORDS}, such as pi4,arm64`)
    if (labels.length === 0) throw new UserError('--labels: expected at least one, such as pi4')
    this.permits = permitsOf(options)
    const own = JSON.stringify([labels, maxMemoryMb, maxCores, folder])
    const mark = createHash('sha256').update(own).digest('hex').slice(0, 6)
    this.name = options.name ?? `${machineName().replaceAll('.', '-').slice(0, 40)}-${mark}`
    if (!LABEL.test(this.name)) throw new UserError(`--name ${this.name}: expected ${LABEL_WORDS}`)
    this.labels = [...new Set([...labels, this.name])]
    this.disk = new AgentDisk(folder, this.name, hardwareMark())
    this.self = {
      name: this.name,
      id: this.disk.id,
      labels: this.labels.filter((label) => label !== this.name),
      stint: STINT_VERSION,
      build: hashWorkload('pipeline'),
      machine: readMachine(),
      limits: { max_memory_mb: maxMemoryMb, max_cores: maxCores },
      slots: options.slots ?? 1,
    }
  }

  async work(nc: NatsConnection): Promise<void> {
    const { onNote } = this.options
    const { signal } = this
    // One for each slot and label, beside a few.
    setMaxListeners(0, signal)
    const end = () => this.ending.abort()
    if (this.options.signal.aborted) end()
    this.options.signal.addEventListener('abort', end, { once: true })
    const executors = Array.from({ length: this.self.slots }, () => this.options.startExecutor())
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
    try {
      if (this.disk.isCopy)
        onNote(
          `${this.disk.folder} was made on another machine: what is measured here is recorded as of a machine of its own; a --name of its own tells the two apart`,
        )
      const { presence, outbox } = await this.setUp(nc, executors[0]!)
      void this.tellOfLink()
      await presence.giveWay()
      if (this.failure !== null) throw this.failure
      const beats = presence.keep()
      const handingIn = outbox.handInWhatIsLeft(signal)
      onNote(`agent ${this.name} waits for work for ${this.labels.join(', ')}`)
      const pulls = this.labels.map((label) => this.pull(label))
      await Promise.all(executors.map((executor) => this.slot(executor)))
      await Promise.all([...pulls, beats, handingIn])
      if (this.failure !== null) throw this.failure
    } finally {
      this.options.signal.removeEventListener('abort', end)
      signal.removeEventListener('abort', stop)
      for (const subscription of control) subscription.unsubscribe()
      this.working?.jobs.releaseCore()
      await Promise.all(executors.map((executor) => executor.close()))
    }
  }

  private async setUp(nc: NatsConnection, executor: DuetExecutor): Promise<Parts> {
    const { onNote } = this.options
    const { signal, server, disk, permits } = this
    const publisher = new Publisher(nc, inboxes.agent(this.name))
    const claims = new Claims(nc)
    const onTaken = (error: Error) => {
      this.failure ??= error
      this.ending.abort()
    }
    const can = await executor.capabilities()
    const presence = new Presence(this.self, { nc, publisher, server, signal }, can, onTaken)
    const outbox = new Outbox({ nc, publisher }, { disk, presence, onNote })
    const jobs = new Jobs({ nc, disk, claims, presence, outbox, permits, onNote })
    this.working = { nc, claims, presence, outbox, jobs }
    return this.working
  }

  private get parts(): Parts {
    return this.working!
  }

  private async tellOfLink(): Promise<void> {
    const { nc, presence, outbox } = this.parts
    for await (const { type } of nc.status()) {
      if (type === 'disconnect') this.options.onNote('the link to the server is down; what runs goes on')
      if (type !== 'reconnect') continue
      this.options.onNote('the link to the server is up again')
      this.look()
      void presence.giveWay()
      void outbox.handInWhatIsLeft(this.signal)
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
        this.parts.nc,
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
    const { presence } = this.parts
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
        presence.trouble = null
        waitMs = RETRY_MS
      } catch (error) {
        // At once, so that another agent of the label takes it.
        message.giveBack()
        usable = error instanceof Refused
        presence.trouble = this.troubleOf(error as NodeJS.ErrnoException)
        onNote(`a job ${usable ? 'is refused' : 'could not be run'}: ${presence.trouble}`)
        await presence.register()
        await sleep(waitMs, signal)
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
    const { claims, presence, outbox, jobs } = this.parts
    const doing = { run, key, now: 'fetching data and code' }
    const cancel = new AbortController()
    const cancels = this.cancels.get(run) ?? new Set()
    this.cancels.set(run, cancels.add(cancel))
    const stop = () => cancel.abort()
    this.signal.addEventListener('abort', stop, { once: true })
    const beats = setInterval(() => message.beat(), BEAT_MS)
    presence.begin(doing)
    let folder: string | null = null
    cancel.signal.addEventListener('abort', () => void executor.close(), { once: true })
    try {
      const job = checkedJob(await unpack(message.data))
      if (job.run !== run || job.key !== key) throw new Refused('it is of another run than its subject says')
      if (specsOf(job).some(({ log_chunks }) => log_chunks)) folder = makeOwnedFolder()
      // A server that is gone ends no download.
      executor.provide(await Promise.race([jobs.resources(job, executor, folder), aborted(cancel.signal)]))
      cancel.signal.throwIfAborted()
      this.options.onNote(
        `${run} ${key}: ${job.work.kind === 'round' ? `${job.work.specs.length} trials` : 'a duet'}`,
      )
      const handed =
        job.work.kind === 'round'
          ? await jobs.round(job, job.work.specs, { executor, message, folder, doing, cancel: cancel.signal })
          : await jobs.duet(job, executor, cancel.signal)
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
        await claims.unclaim(run, key)
        return false
      }
      if (!(error instanceof Refused)) {
        // It gives the round back itself: that is no death.
        await claims.unclaim(run, key)
        throw error
      }
      const what = { kind: 'refused', reason: error.message } as const
      const agent = presence.describe().text
      await outbox.handIn({ format: 1, run, key, id: key, agent, what }, cancel.signal)
      throw new Refused(`${run} ${key}: ${error.message}`)
    } finally {
      clearInterval(beats)
      this.signal.removeEventListener('abort', stop)
      presence.busy.delete(doing)
      cancels.delete(cancel)
      if (cancels.size === 0) this.cancels.delete(run)
      if (folder !== null) rmSync(folder, { recursive: true, force: true })
    }
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

function permitsOf({ allowWorkloads = 'none', allowEnv = [] }: AgentOptions): Permits {
  for (const name of allowEnv)
    if (!VARIABLE_NAME.test(name) || WITHHELD.has(name))
      throw new UserError(
        `--allow-env ${name}: ${WITHHELD.has(name) ? WITHHELD_WORDS : 'expected names of environment variables, such as PYTHONPATH,HF_HOME'}`,
      )
  return { workloads: allowedBy(allowWorkloads), env: new Set(allowEnv) }
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
