/** Runs trials on other machines: rounds go to the server, results come back from it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AckPolicy, type JetStreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { type NatsConnection, nuid } from '@nats-io/transport-node'
import type { DuetReport, DuetSpec } from '../../../workers/protocol/duet.ts'
import type { PrepareResult, PrepareSpec } from '../../../workers/protocol/prepare.ts'
import type { Capabilities } from '../../../workers/protocol/supervisor.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import type { LocalResources, TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import { count } from '../../format.ts'
import { machineName } from '../../ownership/owner.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import type { FleetMachine } from '../../record/types.ts'
import { UserError } from '../../user-error.ts'
import type { Fleet, FleetRun, RoundEnd, RoundOfTrials, RunProgress } from '../executor.ts'
import { LocalExecutor } from '../local/executor.ts'
import { Audience } from './audience.ts'
import { pathIn, specsOf } from './check-job.ts'
import { checkServer, connectTo, endConnection, inboxes } from './connection.ts'
import { Holding } from './holding.ts'
import {
  CLAIMS,
  ensureLabel,
  type Job,
  LABEL,
  LABEL_WORDS,
  LARGE,
  mostBytes,
  nanos,
  Publisher,
  pack,
  pause,
  pullAll,
  RESULTS,
  RUNS,
  SEND_MS,
  setUp,
  subjects,
  WORK,
} from './messages.ts'
import type { AgentRecord, FleetOptions } from './options.ts'
import { Registry } from './registry.ts'
import { type Heard, Results } from './results.ts'
import { type Asked, Returns } from './returns.ts'
import { isFull, noRoom, Sender } from './sender.ts'
import { Serving } from './serving.ts'

const RETRY_MS = 500
/** Results that were taken and wait for the others of their round. */
const HELD_RESULTS_MS = 3_600_000
const MOST_HELD = 1_000_000

interface Link {
  nc: NatsConnection
  publisher: Publisher
  jsm: JetStreamManager
  serving: Serving
  sender: Sender
  runs: KV
}

/** A run that this coordinator has. */
interface HeldRun {
  run: FleetRun
  holding: Holding
  audience: Audience
  /** Jobs that another coordinator of this run sent and that are still in the queue. */
  queued: ReadonlySet<string>
  /** Each ends something that goes on. */
  ends: (() => void)[]
}

export class FleetExecutor implements Fleet {
  readonly server: string
  readonly on: string | null
  private readonly options: FleetOptions
  private readonly labels: readonly string[]
  private connecting: Promise<Link> | null = null
  private local: FleetOptions['local'] | null = null
  private resources: LocalResources | null = null
  private taking: Promise<void> | null = null
  private taken: HeldRun | null = null
  /** Also of a run that was given back. */
  private returns: Returns | null = null
  /** The one agent that everything goes to. */
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
        throw new UserError(`"${label}" is no label of agents; expected ${LABEL_WORDS}, such as pi4`)
  }

  // ---------------------------------------------------------------- before the first trial

  private link(): Promise<Link> {
    this.connecting ??= (async () => {
      const nc = await connectTo(this.options, inboxes.coordinator, `stint coordinator on ${machineName()}`)
      try {
        const jsm = await setUp(nc)
        for (const label of this.labels) await ensureLabel(nc, jsm, label)
        const serving = new Serving(this.server, this.labels, await Registry.follow(nc))
        const publisher = new Publisher(nc, inboxes.coordinator)
        const runs = await new Kvm(nc).open(RUNS)
        const sender = new Sender(nc, (text) => this.taken?.run.onNote(text))
        return { nc, publisher, jsm, serving, sender, runs }
      } catch (error) {
        await nc.close()
        throw error
      }
    })()
    return this.connecting
  }

  /** What every agent can enforce; waits for one of each label. */
  async capabilities(): Promise<Capabilities> {
    const agents = await this.places()
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

  async places(): Promise<AgentRecord[]> {
    const { nc, serving, jsm } = await this.link()
    const agents = await serving.all()
    if (this.options.oneAgent === true && this.bound === null) {
      const [free] = agents.toSorted((a, b) => a.busy.length - b.busy.length)
      this.bound = free!.name
      await ensureLabel(nc, jsm, this.bound)
    }
    return this.bound === null ? agents : agents.filter(({ name }) => name === this.bound)
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

  async slots(): Promise<number> {
    const { serving } = await this.link()
    const agents = new Map(serving.usable().map((one) => [one.process, one]))
    return [...agents.values()].reduce((sum, { slots }) => sum + slots, 0)
  }

  // ---------------------------------------------------------------- a run, from when it is taken until it is given back

  /**
   * From here on results of the run come in; those that came while no coordinator was there are the first.
   * @throws {UserError} where another coordinator works on it
   */
  take(run: FleetRun): Promise<void> {
    this.taking ??= this.takeRun(run)
    return this.taking
  }

  private async takeRun(run: FleetRun): Promise<void> {
    const { nc, jsm, runs, serving } = await this.link()
    const returns = new Returns(run, { results: new Results(nc), serving }, this.options.oneAgent === true)
    const holding = await Holding.take(runs, run, (error) => returns.fail(error))
    const audience = new Audience(nc, subjects.events(run.id), inboxes.coordinator)
    const ends = [() => holding.stop(), () => audience.close()]
    const taken: HeldRun = { run, holding, audience, queued: new Set(), ends }
    this.taken = taken
    this.returns = returns
    const described = run.manifest === null ? null : pack(run.manifest)
    // Watchers of a very large sweep see its trials only.
    if (described !== null && described.length <= mostBytes(nc))
      await runs.put(`${run.id}.prepared`, described)
    const { state } = await jsm.streams.info(WORK, { subjects_filter: subjects.workOfRun(run.id) })
    taken.queued = new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split('.').at(-1)!))
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
    ends.push(
      () => began.unsubscribe(),
      pullAll(nc, inboxes.coordinator, { stream: RESULTS, consumer: durable_name }, (message) =>
        returns.arrived(message),
      ),
      serving.follow((text) => run.onNote(text)),
    )
  }

  /** What is no recorded run, such as a gate, has a run of its own here. */
  private async takeOwn(): Promise<void> {
    await this.places()
    const nothing = { planned: 0, finished: 0, not_ok: 0 }
    const quiet = {
      onStart: () => {},
      onMachine: () => {},
      onNote: () => {},
      isFinished: () => false,
      machines: [],
      manifest: null,
      progress: nothing,
    }
    await this.take({ id: `once-${nuid.next()}`, name: 'once', ...quiet })
  }

  async heard(): Promise<void> {
    await this.returns?.heard()
  }

  machines(): FleetMachine[] {
    return this.returns?.machines() ?? []
  }

  tell(event: object, progress: RunProgress): void {
    if (this.taken === null) return
    this.taken.holding.progress(progress)
    this.taken.audience.tell(event)
  }

  // ---------------------------------------------------------------- a job

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
    const { run, queued } = this.taken!
    const { relativeTo: relative_to = null } = this.options
    const send = async (again: number) => {
      const endings = await link.sender.send(specsOf({ work }), this.resources!)
      const job: Job = {
        format: 1,
        stint: STINT_VERSION,
        run: run.id,
        key,
        again,
        relative_to,
        endings,
        work,
      }
      const payload = pack(job)
      if (payload.length > mostBytes(link.nc))
        throw new UserError(
          `a round of ${count(needs.size, 'trial')} takes ${payload.length} bytes, more than the server's max_payload permits`,
          'raise max_payload in the configuration of nats-server, or split the sweep',
        )
      const msgID = `${run.id}/${key}/${this.nonce}/${again}`
      await this.publish(link, subjects.work(label, run.id, key), payload, msgID)
    }
    const asked: Asked = this.returns!.ask(key, {
      label,
      needs,
      again: (times) => void send(times).catch(asked.reject),
    })
    if (!queued.has(key) && asked.isWaiting()) await send(0)
    const stop = this.bound === null ? () => {} : link.serving.whenLost(this.bound, asked.reject)
    return { outcomes: await asked.done.finally(stop), settle: asked.settle }
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

  private keepLog(trial: string, log: string | null): void {
    const folder = this.resources?.chunk_logs ?? null
    if (log !== null && folder !== null) writeFileSync(join(folder, `${trial}.jsonl`), log)
  }

  // ---------------------------------------------------------------- the end

  async release(done: 'finished' | 'interrupted'): Promise<void> {
    if (this.taken === null) return
    const { run, holding, ends } = this.taken
    const { nc, jsm } = await this.link()
    for (const end of ends.splice(0)) end()
    // At once: where the server is away, each takes as long as its patience.
    const told = holding.end(done)
    // What waits is taken back.
    await jsm.streams.purge(WORK, { filter: subjects.workOfRun(run.id) }).catch(() => {})
    if (done === 'interrupted') nc.publish(subjects.cancel(run.id))
    else {
      await jsm.consumers.delete(RESULTS, subjects.resultsConsumer(run.id)).catch(() => {})
      await jsm.streams.purge(RESULTS, { filter: subjects.resultsOf(run.id) }).catch(() => {})
      await jsm.streams.purge(LARGE, { filter: subjects.largeOf(run.id) }).catch(() => {})
      await jsm.streams.purge(`KV_${CLAIMS}`, { filter: subjects.claimsOf(run.id) }).catch(() => {})
    }
    await told
    this.returns?.giveBack()
    this.taken = null
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.returns?.fail(new Error('the executor is closed'))
    await this.local?.close()
    const link = await this.connecting?.catch(() => null)
    if (link == null) return
    link.serving.close()
    await this.release('interrupted')
    await endConnection(link.nc)
  }
}

function readJson(data: Uint8Array): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(data).toString()) as Record<string, unknown>
  } catch {
    return {}
  }
}
