/** What an agent has measured, on its way to the server: kept on disk until that has it. */
import { type NatsConnection, nuid } from '@nats-io/transport-node'
import type { FleetMachine } from '../../record/types.ts'
import type { AgentDisk } from './disk.ts'
import { leaveLarge } from './large.ts'
import {
  ACK_WAIT_MS,
  mostBytes,
  type Outcome,
  type Publisher,
  pack,
  packText,
  pause,
  subjects,
} from './messages.ts'
import { machineMark } from './names.ts'
import type { Presence } from './presence.ts'

/** A result that the server does not take for so long must not hold up the next trial, ms. */
export const HAND_IN_MS = 3000
const RETRY_MS = 500

interface Handing {
  /** The outcome as JSON, where that is known. */
  text?: string | undefined
  patienceMs?: number
  /** How often the job was asked for anew since a result that the server has taken could not be read. */
  again?: number
}

export class Outbox {
  readonly nc: NatsConnection
  readonly publisher: Publisher
  private readonly disk: AgentDisk
  private readonly presence: Presence
  private readonly onNote: (text: string) => void
  /** Of ids of messages: who knows those of others could have the server take the results of others for repetitions. */
  private readonly secret = nuid.next()
  /** What says where the content of a message was left, by the message's id, until the server has the message. */
  private readonly pointers = new Map<string, Promise<Uint8Array>>()

  constructor(
    { nc, publisher }: { nc: NatsConnection; publisher: Publisher },
    { disk, presence, onNote }: { disk: AgentDisk; presence: Presence; onNote(text: string): void },
  ) {
    this.nc = nc
    this.publisher = publisher
    this.disk = disk
    this.presence = presence
    this.onNote = onNote
  }

  /** @returns whether the server has it; false only after `patienceMs`, or once cancelled */
  async handIn(
    outcome: Outcome,
    cancel: AbortSignal,
    { text = JSON.stringify(outcome), patienceMs = Infinity, again = 0 }: Handing = {},
  ): Promise<boolean> {
    const until = performance.now() + patienceMs
    const { run, key, id } = outcome
    const { name } = this.presence.self
    // Each refusal is to be heard: whether another agent can take the job differs from time to time.
    const msgID =
      outcome.what.kind === 'refused'
        ? nuid.next()
        : [this.secret, run, key, id, this.markOf(outcome), again].join('/')
    const packed = packText(text)
    for (let told = false; ; told = true) {
      try {
        const payload =
          packed.length <= mostBytes(this.nc) ? packed : await this.pointerTo(packed, outcome, msgID)
        const subject = subjects.results(run, key, name)
        await this.publisher.publish(subject, payload, { msgID, timeoutMs: HAND_IN_MS })
        this.pointers.delete(msgID)
        return true
      } catch (error) {
        if (!told) this.onNote(`${id} is kept here until the server takes it (${(error as Error).message})`)
      }
      if (cancel.aborted || this.nc.isClosed() || performance.now() > until) return false
      await pause(RETRY_MS)
    }
  }

  /** Of the machine as it was when that was measured. */
  markOf({ agent }: Outcome): string {
    const { text, mark } = this.presence.describe()
    return agent === text ? mark : markIn(agent)
  }

  /** What is too large for a message is left once: only the message that says where is sent again. */
  private pointerTo(payload: Uint8Array, { run }: Outcome, msgID: string): Promise<Uint8Array> {
    const place = { run, agent: this.presence.self.name }
    const pointer = this.pointers.get(msgID) ?? leaveLarge(this, place, payload).then(pack)
    pointer.catch(() => this.pointers.delete(msgID))
    this.pointers.set(msgID, pointer)
    return pointer
  }

  /** What an agent of this name measured and could not hand in before it ended, or before the link was cut. */
  async handInWhatIsLeft(signal: AbortSignal): Promise<void> {
    const isUnderWay = ({ run, key }: { run: string; key: string }) =>
      [...this.presence.busy].some((doing) => doing.run === run && doing.key === key)
    for (const job of this.disk.left()) {
      if (signal.aborted) return
      if (isUnderWay(job)) continue
      let isIn = true
      for (const outcome of this.disk.saved(job.run, job.key))
        isIn = (await this.handIn(outcome, signal, { patienceMs: ACK_WAIT_MS })) && isIn
      // A job that was ended in the middle is handed in, not measured to its end: it would stay for ever.
      if (isIn && !isUnderWay(job) && this.disk.isOld(job)) this.disk.finish(job.run, job.key)
    }
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
