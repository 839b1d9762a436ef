/** Runs trials on other machines: rounds go to the server, results come back from it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { AckPolicy, type JetStreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { type NatsConnection, nuid } from '@nats-io/transport-node'
import type { DuetReport, DuetSpec } from '../../../workers/protocol/duet.ts'
import type { PrepareResult, PrepareSpec } from '../../../workers/protocol/prepare.ts'
import type { Capabilities } from '../../../workers/protocol/supervisor.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import type { LocalResources, TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import { count, list } from '../../format.ts'
import { machineName, ownerToken, parseOwner, stateOf, thisProcess } from '../../ownership/owner.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import type { FleetMachine } from '../../record/types.ts'
import { UserError } from '../../user-error.ts'
import type { Fleet, FleetRun, RoundEnd, RoundOfTrials, RunProgress } from '../executor.ts'
import { LocalExecutor } from '../local/executor.ts'
import { Audience } from './audience.ts'
import { pathIn, specsOf } from './check-job.ts'
import { checkServer, connectTo, endConnection, inboxes } from './connection.ts'
import {
  CLAIMS,
  ensureLabel,
  type Job,
  LABEL,
  mostBytes,
  nanos,
  Publisher,
  pack,
  pause,
  pullAll,
  RESULTS,
  RUNS,
  type RunState,
  SEND_MS,
  setUp,
  subjects,
  type Taken,
  WORK,
} from './messages.ts'
import { MachineNames } from './names.ts'
import type { AgentRecord, FleetOptions } from './options.ts'
import { Registry } from './registry.ts'
import { type Heard, Results } from './results.ts'
import { isFull, noRoom, Sender } from './sender.ts'

/** How long to wait for an agent of a label that none has, ms. */
const JOIN_MS = 20_000
/** A gate's agent that is gone for so long does not come back, ms. */
const LOST_MS = 60_000
const BEAT_MS = 2000
/** A coordinator whose word is older is gone, ms. */
const HELD_MS = 7000
const RETRY_MS = 500
/** Results that were taken and wait for the others of their round. */
const HELD_RESULTS_MS = 3_600_000
const MOST_HELD = 1_000_000
/** For so long results are looked at without a pause for what else there is to do, such as the next batch of the journal, ms. */
const SLICE_MS = 1

/** A job from when it is sent, or its first result comes, until its results are taken. */
interface Pending {
  /** Null until it is asked for. */
  label: string | null
  /** Ids of what it is to bring; null until it is asked for. */
  needs: ReadonlySet<string> | null
  /** By the name of the machine, by id. */
  got: Map<string, Map<string, Heard>>
  /** Each tells the server that a result was taken. */
  acks: (() => void)[]
  resolve(outcomes: Heard[]): void
  reject(error: Error): void
}

interface Link {
  nc: NatsConnection
  publisher: Publisher
  jsm: JetStreamManager
  registry: Registry
  results: Results
  sender: Sender
  runs: KV
}

export class FleetExecutor implements Fleet {
  readonly server: string
  readonly on: string | null
  private readonly options: FleetOptions
  private readonly labels: readonly string[]
  private readonly pending = new Map<string, Pending>()
  private readonly settled = new Set<string>()
  /** Results that came and were not looked at yet. */
  private readonly unheard: Taken[] = []
  private hearing = false
  /** By the name that each has in the record. */
  private readonly seen = new Map<string, FleetMachine>()
  private names = new MachineNames()
  /** Agents, by name, that will not run what this run asks for. */
  private readonly refusing = new Set<string>()
  private readonly closings: (() => void)[] = []
  /** Why nothing can go on. */
  private failure: Error | null = null
  private connecting: Promise<Link> | null = null
  /** What `connecting` came to. */
  private linked: Link | null = null
  private local: FleetOptions['local'] | null = null
  private resources: LocalResources | null = null
  private current: FleetRun | null = null
  private audience: Audience | null = null
  private taking: Promise<void> | null = null
  /** Jobs that another coordinator of this run sent and that are still in the queue. */
  private queued = new Set<string>()
  private state: RunState | null = null
  private revision = 0
  private bound: string | null = null
  private jobs = 0
  /** What another coordinator of this run has sent, and taken back, is no repetition. */
  private readonly nonce = nuid.next()
  private closed = false

  constructor(options: FleetOptions) {
    this.options = options
    this.server = checkServer(options.server)
    this.on = options.on
    this.labels = [...new Set([...options.machines, ...(options.on === null ? [] : [options.on])])]
    for (const label of this.labels)
      if (!LABEL.test(label))
        throw new UserError(`${label}: is no label; expected letters, digits, - and _, such as pi4`)
  }

  // ---------------------------------------------------------------- before the first trial

  private link(): Promise<Link> {
    this.connecting ??= (async () => {
      const nc = await connectTo(this.options, inboxes.coordinator, `stint coordinator on ${machineName()}`)
      try {
        const jsm = await setUp(nc)
        for (const label of this.labels) await ensureLabel(nc, jsm, label)
        const registry = await Registry.follow(nc)
        const publisher = new Publisher(nc, inboxes.coordinator)
        const runs = await new Kvm(nc).open(RUNS)
        const [results, sender] = [new Results(nc), new Sender(nc, (text) => this.current?.onNote(text))]
        this.linked = { nc, publisher, jsm, registry, results, sender, runs }
        return this.linked
      } catch (error) {
        await nc.close()
        throw error
      }
    })()
    return this.connecting
  }

  /** What every agent can enforce; waits for one of each label. */
  async capabilities(): Promise<Capabilities> {
    const agents = await this.agentsOfAll()
    const [first, ...others] = agents.map(({ can }) => can)
    const weakest = [first!, ...others].find(({ compute }) => compute === 'none') ?? first!
    // What a container around one of them leaves holds for all.
    const least = (of: (limits: Capabilities['limits']) => number | null) =>
      [first!, ...others].reduce((a, b) => ((of(b.limits) ?? Infinity) < (of(a.limits) ?? Infinity) ? b : a))
        .limits
    const memory = least(({ memory_limit_mb }) => memory_limit_mb)
    const cpu = least(({ cpu_quota_cores }) => cpu_quota_cores)
    return {
      ...weakest,
      limits: { ...memory, cpu_quota_cores: cpu.cpu_quota_cores, cpu_quota_group: cpu.cpu_quota_group },
      memory: first!.memory.filter((mechanism) => others.every(({ memory }) => memory.includes(mechanism))),
    }
  }

  private async agentsOfAll(): Promise<AgentRecord[]> {
    const { nc, registry, jsm } = await this.link()
    const until = performance.now() + JOIN_MS
    for (;;) {
      const label = this.labels.find((one) => registry.withLabel(one).length === 0)
      if (label === undefined) break
      if (this.closed) throw new Error('the executor is closed')
      if (performance.now() > until) {
        const known = [...new Set(registry.agents().flatMap(({ labels }) => labels))]
        throw new UserError(
          `no agent with the label ${label} is at ${this.server}${known.length === 0 ? ', nor any other' : `; labels there: ${list(known)}`}`,
          `start one on that machine: stint agent --server ${this.server} --labels ${label}`,
        )
      }
      await pause(100)
    }
    for (const label of this.labels) {
      const there = registry.withLabel(label)
      const [other] = there
      if (other !== undefined && there.every(isOtherVersion))
        throw new UserError(
          `agent ${other.name} runs Stint ${other.stint}, and this is ${STINT_VERSION}`,
          'trials of two versions are not comparable: install the same on both',
        )
    }
    const agents = this.usable(registry)
    if (this.options.oneAgent === true && this.bound === null) {
      const [free] = agents.toSorted((a, b) => a.busy.length - b.busy.length)
      this.bound = free!.name
      await ensureLabel(nc, jsm, this.bound)
    }
    return this.bound === null ? agents : agents.filter(({ name }) => name === this.bound)
  }

  /** Those that may run trials: others take rounds as well, and give them back. */
  private usable(registry: Registry, labels = this.labels): AgentRecord[] {
    return labels
      .flatMap((label) => registry.withLabel(label))
      .filter((agent) => !isOtherVersion(agent) && !this.refusing.has(agent.name))
  }

  /** The data is read where it lies: here. */
  prepare(spec: PrepareSpec): Promise<PrepareResult> {
    this.local ??=
      this.options.local ??
      new LocalExecutor(this.options.onOutput === undefined ? {} : { onOutput: this.options.onOutput })
    return this.local.prepare(spec)
  }

  provide(resources: LocalResources): void {
    this.resources = resources
    if (resources.chunk_logs !== null) mkdirSync(resources.chunk_logs, { recursive: true })
  }

  /** @throws {UserError} where a scenario names no machine, and there is no label for such */
  labelOf(machine: unknown): string {
    if (this.bound !== null) return this.bound
    const label = typeof machine === 'string' ? machine : this.on
    if (label === null) throw new UserError('a scenario names no machine', 'say --on LABEL for those')
    return label
  }

  slots(): Promise<number> {
    return this.link().then(({ registry }) => {
      const agents = new Map(this.usable(registry).map((one) => [one.process, one]))
      return [...agents.values()].reduce((sum, { slots }) => sum + slots, 0)
    })
  }

  // ---------------------------------------------------------------- one coordinator per run

  /**
   * From here on results of the run come in; those that came while no coordinator was there are the first.
   * @throws {UserError} where another coordinator works on it
   */
  take(run: FleetRun): Promise<void> {
    this.taking ??= this.takeRun(run)
    return this.taking
  }

  private async takeRun(run: FleetRun): Promise<void> {
    const link = await this.link()
    const { nc, jsm } = link
    this.current = run
    this.names = new MachineNames(run.machines)
    this.state = {
      name: run.name,
      coordinator: { owner: ownerToken(thisProcess()), machine: machineName() },
      ...run.progress,
      done: 'no',
    }
    try {
      await this.lock(link)
    } catch (error) {
      // Else the end of this one would take back the work of the other.
      this.current = null
      throw error
    }
    const described = run.manifest === null ? null : pack(run.manifest)
    // Watchers of a very large sweep see its trials only.
    if (described !== null && described.length <= mostBytes(nc))
      await link.runs.put(`${run.id}.prepared`, described)
    const { state } = await jsm.streams.info(WORK, { subjects_filter: subjects.workOfRun(run.id) })
    this.queued = new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split('.').at(-1)!))
    // What another coordinator had taken and not yet journalled comes again only so.
    const durable_name = subjects.resultsConsumer(run.id)
    await jsm.consumers.delete(RESULTS, durable_name).catch(() => {})
    await jsm.consumers.add(RESULTS, {
      durable_name,
      filter_subject: subjects.resultsOf(run.id),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(HELD_RESULTS_MS),
      max_ack_pending: MOST_HELD,
      inactive_threshold: nanos(7 * 86_400_000),
    })
    const began = nc.subscribe(subjects.claimsOf(run.id), {
      callback: (_, message) => {
        const { trial } = readJson(message.data)
        if (typeof trial === 'string') run.onStart(trial)
      },
    })
    const audience = new Audience(nc, subjects.events(run.id), inboxes.coordinator)
    this.audience = audience
    this.closings.push(
      () => audience.close(),
      () => began.unsubscribe(),
      pullAll(nc, inboxes.coordinator, { stream: RESULTS, consumer: durable_name }, (message) =>
        this.arrived(message),
      ),
      this.followAgents(link, run),
    )
  }

  private async lock(link: Link): Promise<void> {
    const { runs } = link
    const { id } = this.current!
    const held = await runs.get(id)
    const holder = held?.operation === 'PUT' ? held.json<RunState>() : null
    if (holder !== null && holder.done === 'no' && (await this.isAlive(link, holder, held!.revision))) {
      const { machine, owner } = holder.coordinator
      throw new UserError(
        `another stint works on this run (process ${parseOwner(owner)?.pid ?? 'unknown'} on ${machine})`,
        'wait for it, or end it; "stint watch" shows how far it is',
      )
    }
    const value = JSON.stringify(this.state)
    try {
      this.revision =
        held === null ? await runs.create(id, value) : await runs.update(id, value, held.revision)
    } catch (error) {
      throw new UserError(`another stint has just begun to work on this run (${(error as Error).message})`)
    }
    const beat = setInterval(() => void this.beat(), BEAT_MS)
    this.closings.push(() => clearInterval(beat))
  }

  /** One of this machine can be looked at; of another's, whether it still says something. */
  private async isAlive({ runs }: Link, { coordinator }: RunState, revision: number): Promise<boolean> {
    const owner = parseOwner(coordinator.owner)
    if (owner !== null && coordinator.machine === machineName()) {
      const state = stateOf(owner)
      if (state !== 'unknown') return state === 'alive'
    }
    const until = performance.now() + HELD_MS
    while (performance.now() < until) {
      await pause(RETRY_MS)
      const now = await runs.get(this.current!.id)
      if (now !== null && now.revision !== revision) return true
    }
    return false
  }

  private async beat(): Promise<void> {
    const { runs } = await this.link()
    try {
      this.revision = await runs.update(this.current!.id, JSON.stringify(this.state), this.revision)
    } catch (error) {
      if (!/wrong last sequence/.test((error as Error).message)) return
      // An answer that was lost on the way looks the same as another coordinator.
      const now = await runs.get(this.current!.id).catch(() => null)
      if (now === null) return
      this.revision = now.revision
      if (now.json<RunState>().coordinator.owner !== this.state!.coordinator.owner)
        this.fail(new UserError('another stint has taken over this run'))
    }
  }

  private followAgents({ registry }: Link, { onNote }: FleetRun): () => void {
    const names = () =>
      new Map(this.labels.map((label) => [label, registry.withLabel(label).map(({ name }) => name)]))
    const served = () => new Set(this.labels.filter((label) => this.usable(registry, [label]).length > 0))
    let [before, servedBefore] = [names(), served()]
    const troubled = new Map<string, string>()
    const look = () => {
      for (const { name, process, trouble } of this.labels.flatMap((label) => registry.withLabel(label))) {
        if (trouble !== null && troubled.get(process) !== trouble && !this.refusing.has(name))
          onNote(`agent ${name} gives back what it gets: ${trouble}`)
        if (trouble === null) troubled.delete(process)
        else troubled.set(process, trouble)
      }
      const now = names()
      for (const [label, there] of now) {
        const were = before.get(label)!
        for (const name of new Set(there))
          if (!were.includes(name)) onNote(`agent ${name} has joined ${label}`)
        for (const name of new Set(were)) if (!there.includes(name)) onNote(`agent ${name} has left ${label}`)
      }
      // One that comes again may have been started with other options.
      for (const name of this.refusing)
        if (![...now.values()].some((there) => there.includes(name))) this.refusing.delete(name)
      const servedNow = served()
      for (const label of servedBefore)
        if (!servedNow.has(label)) onNote(`no agent serves ${label} now; the run waits for one`)
      ;[before, servedBefore] = [now, servedNow]
    }
    const timer = setInterval(look, BEAT_MS)
    return () => clearInterval(timer)
  }

  // ---------------------------------------------------------------- what is sent

  async round({ key, label, specs }: RoundOfTrials): Promise<RoundEnd> {
    for (const spec of specs) {
      const path = pathIn(spec)
      if (path !== null)
        throw new UserError(
          `${path} names a file, and trials that run on other machines get none`,
          'run this scenario without --on, or drop the parameter',
        )
    }
    const work: Job['work'] = { kind: 'round', specs: [...specs] }
    const { outcomes, settle } = await this.play(key, label, work, new Set(specs.map(({ trial }) => trial)))
    const results = new Map(
      outcomes.map(({ what }) => {
        if (what.kind !== 'trial') throw new Error('an agent answered a round with something else')
        this.keepLog(what.result.trial, what.chunk_log)
        return [what.result.trial, what.result]
      }),
    )
    return { results: specs.map(({ trial }) => results.get(trial)!), settle }
  }

  async run(spec: TrialSpec): Promise<TrialResult> {
    await this.takeOwn()
    const { results, settle } = await this.round({
      key: this.nextKey(),
      label: this.labelOf(null),
      specs: [spec],
    })
    settle()
    return results[0]!
  }

  async duet(spec: DuetSpec): Promise<DuetReport> {
    await this.takeOwn()
    const { outcomes, settle } = await this.play(
      this.nextKey(),
      this.labelOf(null),
      { kind: 'duet', spec },
      new Set([spec.duet]),
    )
    settle()
    const [{ what }] = outcomes as [Heard]
    if (what.kind !== 'duet') throw new Error('an agent answered a duet with something else')
    return what.report
  }

  /** What is no recorded run, such as a gate, has a run of its own here. */
  private async takeOwn(): Promise<void> {
    await this.agentsOfAll()
    const nothing = { planned: 0, finished: 0, not_ok: 0 }
    const quiet = {
      machines: [],
      onStart: () => {},
      onMachine: () => {},
      onNote: () => {},
      isFinished: () => false,
      manifest: null,
      progress: nothing,
    }
    await this.take({ id: `once-${nuid.next()}`, name: 'once', ...quiet })
  }

  private nextKey(): string {
    return `j${++this.jobs}`
  }

  private async play(
    key: string,
    label: string,
    work: Job['work'],
    needs: ReadonlySet<string>,
  ): Promise<{ outcomes: Heard[]; settle(): void }> {
    const link = await this.link()
    if (this.failure !== null) throw this.failure
    const run = this.current!
    const { relativeTo: relative_to = null } = this.options
    const pending = this.pendingOf(key)
    const done = new Promise<Heard[]>((resolve, reject) => {
      pending.resolve = resolve
      pending.reject = reject
    })
    done.catch(() => {})
    pending.label = label
    pending.needs = needs
    this.lookAt(pending)
    if (!this.queued.has(key) && this.pending.has(key)) {
      const endings = await link.sender.send(specsOf({ work }), this.resources!)
      const job: Job = { format: 1, stint: STINT_VERSION, run: run.id, key, relative_to, endings, work }
      const payload = pack(job)
      if (payload.length > mostBytes(link.nc))
        throw new UserError(
          `a round of ${count(needs.size, 'trial')} takes ${payload.length} bytes, more than the server's max_payload permits`,
          'raise max_payload in the configuration of nats-server, or split the sweep',
        )
      await this.publish(link, subjects.work(label, run.id, key), payload, `${run.id}/${key}/${this.nonce}`)
    }
    const stop = this.watchBound(link, label, pending)
    const outcomes = await done.finally(stop)
    const settle = () => {
      this.settled.add(key)
      this.pending.delete(key)
      for (const ack of pending.acks.splice(0)) ack()
    }
    return { outcomes, settle }
  }

  private fail(error: Error): void {
    this.failure ??= error
    for (const { reject } of this.pending.values()) reject(this.failure)
  }

  /** Fails a job whose only agent does not come back; others may be done by any agent of their label. */
  private watchBound({ registry }: Link, label: string, pending: Pending): () => void {
    if (this.bound === null) return () => {}
    let since: number | null = null
    const timer = setInterval(() => {
      const there = registry.withLabel(label)
      if (there.some(({ trouble }) => trouble === null)) since = null
      else since ??= performance.now()
      if (since === null || performance.now() - since <= LOST_MS) return
      const [first] = there
      pending.reject(
        first === undefined
          ? new UserError(`agent ${label} is gone`, 'start it again, or name another label')
          : new UserError(`agent ${label} gives back what it gets: ${first.trouble}`),
      )
    }, BEAT_MS)
    return () => clearInterval(timer)
  }

  /** The link may be down now and then; what the server has no room for stays so. */
  private async publish(link: Link, subject: string, payload: Uint8Array, msgID: string): Promise<void> {
    for (;;) {
      try {
        await link.publisher.publish(subject, payload, { msgID, timeoutMs: SEND_MS })
        return
      } catch (error) {
        const { message } = error as Error
        if (isFull(message)) throw noRoom('a round of trials', message)
        if (this.closed) throw new Error('the executor is closed')
        await pause(RETRY_MS)
      }
    }
  }

  // ---------------------------------------------------------------- what comes back

  private pendingOf(key: string): Pending {
    const there = this.pending.get(key)
    if (there !== undefined) return there
    const ends = { resolve: () => {}, reject: () => {} }
    const made: Pending = { label: null, needs: null, got: new Map(), acks: [], ...ends }
    this.pending.set(key, made)
    return made
  }

  private arrived(message: Taken): void {
    this.unheard.push(message)
    if (!this.hearing) void this.hearAll()
  }

  async heard(): Promise<void> {
    while (this.hearing) await turn()
  }

  private async hearAll(): Promise<void> {
    this.hearing = true
    let until = performance.now() + SLICE_MS
    while (this.unheard.length > 0) {
      for (const message of this.unheard.splice(0)) {
        this.hear(message)
        if (performance.now() < until) continue
        await turn()
        until = performance.now() + SLICE_MS
      }
    }
    this.hearing = false
  }

  private hear(message: Taken): void {
    // The run was given back: the server keeps it for whoever takes the run up.
    if (this.current === null) return
    const leaveOut = (error: Error) => {
      this.current?.onNote(`a result was left out: ${error.message}`)
      message.drop()
    }
    try {
      const read = this.linked!.results.read(message)
      if (read instanceof Promise) void read.then((outcome) => this.takeOutcome(outcome)).catch(leaveOut)
      else this.takeOutcome(read)
    } catch (error) {
      leaveOut(error as Error)
    }
  }

  private takeOutcome(outcome: Heard): void {
    // Given back while it was fetched.
    if (this.current === null) return
    const { key, id, agent, taken } = outcome
    // Of a round that another agent had ended before, or that the journal has.
    const isRefusal = outcome.what.kind === 'refused'
    if (this.settled.has(key) || (!isRefusal && this.current.isFinished(id))) {
      taken()
      return
    }
    if (outcome.what.kind === 'refused') {
      this.takeRefusal(key, agent.name, outcome.what.reason)
      taken()
      return
    }
    const pending = this.pendingOf(key)
    pending.acks.push(taken)
    const machine = this.machineOf(agent)
    this.refusing.delete(agent.name)
    const own = pending.got.get(machine) ?? new Map<string, Heard>()
    pending.got.set(machine, own.set(id, ranOn(outcome, machine)))
    this.lookAt(pending)
  }

  /** @returns its name in the record */
  private machineOf(agent: FleetMachine): string {
    const name = this.names.nameOf(agent)
    const isNew = !this.seen.has(name)
    this.seen.set(name, name === agent.name ? agent : { ...agent, name })
    if (!isNew) return name
    this.current!.onMachine()
    if (name === agent.name) return name
    const what = `results under the name ${agent.name} come from another machine, or from one with other limits, than before`
    if (this.bound !== null)
      this.fail(new UserError(what, 'give each agent a --name of its own, and begin again'))
    this.current!.onNote(
      `${what}: they are recorded as of ${name}; to tell them apart, start each agent with a --name of its own`,
    )
    return name
  }

  /** The agent has given the job back for another of the label; the run ends where none ever took one. */
  private takeRefusal(key: string, agent: string, reason: string): void {
    const pending = this.pending.get(key)
    // Of a run that is resumed and has not asked for this job yet: the agent will refuse it again.
    if (pending === undefined || pending.label === null) return
    const { label } = pending
    const isNew = !this.refusing.has(agent)
    this.refusing.add(agent)
    const what = `agent ${agent} refuses ${key}: ${reason}`
    const serves = ({ name, labels }: FleetMachine) => name === label || labels.includes(label)
    const others = this.usable(this.linked!.registry, [label]).length > 0
    if (!others && ![...this.seen.values()].some(serves))
      pending.reject(new UserError(what, 'see docs/guides/fleet.md, "What an agent refuses"'))
    else if (isNew)
      this.current?.onNote(
        `${what}; the run ${others ? 'goes on with others' : 'waits for another'} of ${label}`,
      )
  }

  /** A round counts once one machine has done all of it. */
  private lookAt({ needs, got, resolve }: Pending): void {
    if (needs === null) return
    // The size first: all of a long round would be gone through with each of its results.
    for (const outcomes of got.values())
      if (outcomes.size >= needs.size && [...needs].every((id) => outcomes.has(id)))
        resolve([...needs].map((id) => outcomes.get(id)!))
  }

  private keepLog(trial: string, log: string | null): void {
    const folder = this.resources?.chunk_logs ?? null
    if (log !== null && folder !== null) writeFileSync(join(folder, `${trial}.jsonl`), log)
  }

  places(): Promise<FleetMachine[]> {
    return this.agentsOfAll()
  }

  machines(): FleetMachine[] {
    return [...this.seen.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  // ---------------------------------------------------------------- for who watches, and the end

  tell(event: object, progress: RunProgress): void {
    if (this.state === null || this.current === null) return
    Object.assign(this.state, progress)
    this.audience?.tell(event)
  }

  /** Takes back what waits, and lets agents stop what runs. */
  private async cancel({ nc, jsm }: Link): Promise<void> {
    const { id } = this.current!
    await jsm.streams.purge(WORK, { filter: subjects.workOfRun(id) }).catch(() => {})
    nc.publish(subjects.cancel(id))
  }

  async release(done: 'finished' | 'interrupted'): Promise<void> {
    const run = this.current
    if (run === null || this.connecting === null) return
    const link = await this.link()
    for (const close of this.closings.splice(0)) close()
    this.state = { ...this.state!, done }
    const { runs, jsm } = link
    // At once: where the server is away, each takes as long as its patience.
    const told = runs.put(run.id, JSON.stringify(this.state)).catch(() => {})
    if (done === 'interrupted') await this.cancel(link)
    else {
      await jsm.streams.purge(WORK, { filter: subjects.workOfRun(run.id) }).catch(() => {})
      await jsm.consumers.delete(RESULTS, subjects.resultsConsumer(run.id)).catch(() => {})
      await jsm.streams.purge(RESULTS, { filter: subjects.resultsOf(run.id) }).catch(() => {})
      await jsm.streams.purge(`KV_${CLAIMS}`, { filter: subjects.claimsOf(run.id) }).catch(() => {})
    }
    await told
    this.current = null
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.fail(new Error('the executor is closed'))
    await this.local?.close()
    const link = await this.connecting?.catch(() => null)
    if (link == null) return
    await this.release('interrupted')
    link.registry.close()
    await endConnection(link.nc)
  }
}

function ranOn(outcome: Heard, machine: string): Heard {
  const { agent, what } = outcome
  if (agent.name === machine || what.kind !== 'trial') return outcome
  return { ...outcome, what: { ...what, result: { ...what.result, machine } } }
}

const isOtherVersion = ({ stint }: AgentRecord) => stint !== STINT_VERSION

function readJson(data: Uint8Array): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(data).toString()) as Record<string, unknown>
  } catch {
    return {}
  }
}
