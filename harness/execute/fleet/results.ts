/** What agents hand in, read and checked: everything in it is untrusted. */
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { checkedDuet } from '../../../workers/untrusted.ts'
import { fleetMachineSchema, trialSchema } from '../../record/schema.ts'
import type { FleetMachine } from '../../record/types.ts'
import { fetchLarge, pointerIn } from './large.ts'
import { LARGE, type Outcome, opened, subjects, type Taken, unpack } from './messages.ts'

const MOST_DESCRIBED = 2000

/** An outcome that was checked, and whose it is. */
export interface Heard {
  key: string
  id: string
  agent: FleetMachine
  what: Outcome['what']
  /** Tells the server that it may forget the outcome; holds nothing of the message, whose bytes would stay. */
  taken(): void
}

export class Results {
  private readonly nc: NatsConnection
  /** Machines, by the text that was checked. */
  private readonly described = new Map<string, FleetMachine>()

  constructor(nc: NatsConnection) {
    this.nc = nc
  }

  /**
   * At once where the message holds all of it, as most do.
   * @throws where it is not what an agent of the name in its subject would hand in for the job there
   */
  read(message: Taken): Heard | Promise<Heard> {
    const sent = opened(message.data)
    if (sent !== null && pointerIn(sent) === null) return this.outcomeIn(message.subject, sent, message.ack)
    return this.fetched(message)
  }

  /** What a message does not hold at once: it is compressed, or its content was too large for one. */
  private async fetched({ subject, data, ack }: Taken): Promise<Heard> {
    const sent = (await unpack(data)) as Record<string, unknown>
    const pointer = pointerIn(sent)
    if (pointer === null) return this.outcomeIn(subject, sent, ack)
    const [, , run = '', , agent = ''] = subject.split('.')
    const content = (await unpack(await fetchLarge(this.nc, { run, agent }, pointer))) as Record<
      string,
      unknown
    >
    return this.outcomeIn(subject, content, () => {
      ack()
      // Not before: until then whoever takes the run up needs it.
      void this.remove(subjects.large(run, agent, pointer.large))
    })
  }

  private async remove(filter: string): Promise<void> {
    try {
      await (await jetstreamManager(this.nc, { checkAPI: false })).streams.purge(LARGE, { filter })
    } catch {
      // The end of the run removes it, or the server after a week.
    }
  }

  private outcomeIn(subject: string, sent: Record<string, unknown>, taken: () => void): Heard {
    const [, , run, key, name] = subject.split('.')
    const { id, what } = sent as { id: unknown; what: { kind?: unknown } | null }
    const agent = this.agentIn(sent['agent'])
    if (sent['run'] !== run || sent['key'] !== key || agent.name !== name || typeof id !== 'string')
      throw new Error('it is of another job than its subject says')
    return { key: key!, id, agent, what: checkedWhat(what, id, name!), taken }
  }

  /** An agent says the same of itself with every result. */
  private agentIn(sent: unknown): FleetMachine {
    // An agent's disk may hold results of a version that sent it as an object.
    const text = typeof sent === 'string' ? sent : JSON.stringify(sent ?? null)
    const known = this.described.get(text)
    if (known !== undefined) return known
    const agent: FleetMachine = fleetMachineSchema.parse(JSON.parse(text))
    if (this.described.size >= MOST_DESCRIBED) this.described.clear()
    this.described.set(text, agent)
    return agent
  }
}

function checkedWhat(what: { kind?: unknown } | null, id: string, agent: string): Outcome['what'] {
  if (what?.kind === 'trial') {
    const { result, chunk_log = null } = what as { result?: unknown; chunk_log?: unknown }
    const checked = trialSchema.parse(result) as TrialResult
    if (checked.trial !== id) throw new Error('it is of another trial than it says')
    if (chunk_log !== null && typeof chunk_log !== 'string') throw new Error('its chunk log is no text')
    return { kind: 'trial', result: { ...checked, machine: agent }, chunk_log }
  }
  if (what?.kind === 'duet')
    return { kind: 'duet', report: checkedDuet((what as { report?: unknown }).report) }
  if (what?.kind === 'refused') {
    const { reason } = what as { reason?: unknown }
    return { kind: 'refused', reason: String(reason).slice(0, 2000) }
  }
  throw new Error('it is neither a trial nor a duet')
}
