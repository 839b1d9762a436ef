/** What agents hand in for a run: a round counts once one machine has done all of it. */
import { setImmediate as turn } from 'node:timers/promises'
import type { FleetMachine } from '../../record/types.ts'
import { UserError } from '../../user-error.ts'
import type { FleetRun } from '../executor.ts'
import type { Taken } from './messages.ts'
import { MachineNames } from './names.ts'
import type { Heard, Results } from './results.ts'
import type { Serving } from './serving.ts'

/** Results of one job that could not be read, after which it is not asked for again. */
const MOST_LOST = 3
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
  isWhole: boolean
  /** Results that came and could not be read. */
  lost: number
  again(times: number): void
  resolve(outcomes: Heard[]): void
  reject(error: Error): void
}

/** A job that was asked for. */
export interface Asked {
  /** All that the job is to bring, of one machine. */
  done: Promise<Heard[]>
  /** Whether some of it is still to come. */
  isWaiting(): boolean
  reject(error: Error): void
  /** To be called once the outcomes are on disk: until then they can be had again. */
  settle(): void
}

export class Returns {
  private readonly results: Results
  private readonly serving: Serving
  private readonly oneMachine: boolean
  /** Null once it was given back. */
  private run: FleetRun | null
  private readonly names: MachineNames
  private readonly pending = new Map<string, Pending>()
  private readonly settled = new Set<string>()
  /** By the name that each has in the record. */
  private readonly seen = new Map<string, FleetMachine>()
  /** Results that came and were not looked at yet. */
  private readonly unheard: Taken[] = []
  private hearing = false
  /** Why nothing can go on. */
  private failure: Error | null = null

  /** @param oneMachine all results must be of one machine */
  constructor(
    run: FleetRun,
    { results, serving }: { results: Results; serving: Serving },
    oneMachine: boolean,
  ) {
    this.run = run
    this.results = results
    this.serving = serving
    this.oneMachine = oneMachine
    this.names = new MachineNames(run.machines)
  }

  /**
   * @param again asks for the job anew, since a result of it could not be read
   * @throws why nothing can go on
   */
  ask(
    key: string,
    { label, needs, again }: { label: string; needs: ReadonlySet<string>; again(times: number): void },
  ): Asked {
    if (this.failure !== null) throw this.failure
    const pending = this.pendingOf(key)
    const done = new Promise<Heard[]>((resolve, reject) => {
      pending.resolve = resolve
      pending.reject = reject
    })
    done.catch(() => {})
    pending.label = label
    pending.needs = needs
    pending.again = again
    this.lookAt(pending)
    const settle = () => {
      this.settled.add(key)
      this.pending.delete(key)
      for (const ack of pending.acks.splice(0)) ack()
    }
    return {
      done,
      isWaiting: () => !pending.isWhole,
      reject: (error) => pending.reject(error),
      settle,
    }
  }

  fail(error: Error): void {
    this.failure ??= error
    for (const { reject } of this.pending.values()) reject(this.failure)
  }

  /** The server keeps what comes from now on for whoever takes the run up. */
  giveBack(): void {
    this.run = null
  }

  machines(): FleetMachine[] {
    return [...this.seen.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  arrived(message: Taken): void {
    this.unheard.push(message)
    if (!this.hearing) void this.hearAll()
  }

  async heard(): Promise<void> {
    while (this.hearing) await turn()
  }

  private pendingOf(key: string): Pending {
    const there = this.pending.get(key)
    if (there !== undefined) return there
    const ends = { resolve: () => {}, reject: () => {}, again: () => {} }
    const nothing = { got: new Map(), acks: [], isWhole: false, lost: 0 }
    const made: Pending = { label: null, needs: null, ...nothing, ...ends }
    this.pending.set(key, made)
    return made
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
    if (this.run === null) return
    const leaveOut = (error: Error) => this.leaveOut(message, error)
    try {
      const read = this.results.read(message)
      if (read instanceof Promise) void read.then((outcome) => this.take(outcome)).catch(leaveOut)
      else this.take(read)
    } catch (error) {
      leaveOut(error as Error)
    }
  }

  private leaveOut({ subject, drop }: Taken, { message }: Error): void {
    drop()
    const [, , , key = '', agent = ''] = subject.split('.')
    // Handed in twice, since an agent did not hear that it was taken.
    if (this.settled.has(key)) return
    this.run?.onNote(`a result was left out: ${message}`)
    const pending = this.pending.get(key)
    if (pending === undefined || pending.isWhole) return
    if (++pending.lost <= MOST_LOST) pending.again(pending.lost)
    else this.takeRefusal(key, agent, `what it hands in cannot be read: ${message}`)
  }

  private take(outcome: Heard): void {
    const { run } = this
    // Given back while it was fetched.
    if (run === null) return
    const { key, id, agent, taken } = outcome
    // Of a round that another agent had ended before, or that the journal has.
    const isRefusal = outcome.what.kind === 'refused'
    if (this.settled.has(key) || (!isRefusal && run.isFinished(id))) {
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
    const machine = this.machineOf(agent, run)
    this.serving.works(agent.name)
    const own = pending.got.get(machine) ?? new Map<string, Heard>()
    pending.got.set(machine, own.set(id, ranOn(outcome, machine)))
    this.lookAt(pending)
  }

  /** @returns its name in the record */
  private machineOf(agent: FleetMachine, run: FleetRun): string {
    const name = this.names.nameOf(agent)
    const isNew = !this.seen.has(name)
    this.seen.set(name, name === agent.name ? agent : { ...agent, name })
    if (!isNew) return name
    run.onMachine()
    if (name === agent.name) return name
    const what = `results under the name ${agent.name} come from another machine, or from one with other limits, than before`
    if (this.oneMachine)
      this.fail(new UserError(what, 'give each agent a --name of its own, and begin again'))
    run.onNote(
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
    const isNew = this.serving.refuses(agent)
    const what = `agent ${agent} refuses ${key}: ${reason}`
    const serves = ({ name, labels }: FleetMachine) => name === label || labels.includes(label)
    const others = this.serving.usable([label]).length > 0
    if (!others && ![...this.seen.values()].some(serves))
      pending.reject(new UserError(what, 'see docs/guides/fleet.md, "What an agent refuses"'))
    else if (isNew)
      this.run?.onNote(`${what}; the run ${others ? 'goes on with others' : 'waits for another'} of ${label}`)
  }

  private lookAt(pending: Pending): void {
    const { needs, got } = pending
    if (needs === null) return
    // The size first: all of a long round would be gone through with each of its results.
    for (const outcomes of got.values()) {
      if (outcomes.size < needs.size || ![...needs].every((id) => outcomes.has(id))) continue
      pending.isWhole = true
      pending.resolve([...needs].map((id) => outcomes.get(id)!))
    }
  }
}

function ranOn(outcome: Heard, machine: string): Heard {
  const { agent, what } = outcome
  if (agent.name === machine || what.kind !== 'trial') return outcome
  return { ...outcome, what: { ...what, result: { ...what.result, machine } } }
}
