/** Which agents serve the labels of a run, and whether they go on. */
import { list } from '../../format.ts'
import { STINT_VERSION } from '../../package-folder.ts'
import { UserError } from '../../user-error.ts'
import { pause } from './messages.ts'
import type { AgentRecord } from './options.ts'
import type { Registry } from './registry.ts'

/** How long to wait for an agent of a label that none has, ms. */
const JOIN_MS = 20_000
/** A gate's agent that is gone for so long does not come back, ms. */
const LOST_MS = 60_000
const LOOK_MS = 2000

export class Serving {
  private readonly server: string
  private readonly labels: readonly string[]
  private readonly registry: Registry
  /** Agents, by name, that will not run what this run asks for. */
  private readonly refusing = new Set<string>()
  private closed = false

  /** @param labels all that the run names */
  constructor(server: string, labels: readonly string[], registry: Registry) {
    this.server = server
    this.labels = labels
    this.registry = registry
  }

  /**
   * Those that may run trials of the run, once each label has one.
   * @throws {UserError} where one has none for too long, or only of another version
   */
  async all(): Promise<AgentRecord[]> {
    const { registry, server } = this
    const until = performance.now() + JOIN_MS
    for (;;) {
      const label = this.labels.find((one) => registry.withLabel(one).length === 0)
      if (label === undefined) break
      if (this.closed) throw new Error('the executor is closed')
      if (performance.now() > until) {
        const known = [...new Set(registry.agents().flatMap(({ labels }) => labels))]
        throw new UserError(
          `no agent with the label ${label} is at ${server}${known.length === 0 ? ', nor any other' : `; labels there: ${list(known)}`}`,
          `start one on that machine: stint agent --server ${server} --labels ${label}`,
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
    return this.usable()
  }

  /** Those that may run trials: others take rounds as well, and give them back. */
  usable(labels = this.labels): AgentRecord[] {
    return labels
      .flatMap((label) => this.registry.withLabel(label))
      .filter((agent) => !isOtherVersion(agent) && !this.refusing.has(agent.name))
  }

  /** @returns whether that is news */
  refuses(name: string): boolean {
    const isNew = !this.refusing.has(name)
    this.refusing.add(name)
    return isNew
  }

  works(name: string): void {
    this.refusing.delete(name)
  }

  /**
   * Tells who joins, leaves and is in trouble.
   * @returns a function that ends it
   */
  follow(onNote: (text: string) => void): () => void {
    const { registry } = this
    const names = () =>
      new Map(this.labels.map((label) => [label, registry.withLabel(label).map(({ name }) => name)]))
    const served = () => new Set(this.labels.filter((label) => this.usable([label]).length > 0))
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
    const timer = setInterval(look, LOOK_MS)
    return () => clearInterval(timer)
  }

  /**
   * Tells where the one agent that a job is for does not come back; others may be done by any agent of their label.
   * @returns a function that ends it
   */
  whenLost(name: string, onLost: (error: UserError) => void): () => void {
    let since: number | null = null
    const timer = setInterval(() => {
      const there = this.registry.withLabel(name)
      if (there.some(({ trouble }) => trouble === null)) since = null
      else since ??= performance.now()
      if (since === null || performance.now() - since <= LOST_MS) return
      const [first] = there
      onLost(
        first === undefined
          ? new UserError(`agent ${name} is gone`, 'start it again, or name another label')
          : new UserError(`agent ${name} gives back what it gets: ${first.trouble}`),
      )
    }, LOOK_MS)
    return () => clearInterval(timer)
  }

  close(): void {
    this.closed = true
    this.registry.close()
  }
}

const isOtherVersion = ({ stint }: AgentRecord) => stint !== STINT_VERSION
