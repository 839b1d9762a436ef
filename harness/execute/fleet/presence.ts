/** An agent at the server: what it says of itself there every few seconds, and with each result. */
import { jetstreamManager } from '@nats-io/jetstream'
import { type NatsConnection, nuid } from '@nats-io/transport-node'
import type { Capabilities } from '../../../workers/protocol/supervisor.ts'
import { machineName, thisProcess } from '../../ownership/owner.ts'
import type { FleetMachine } from '../../record/types.ts'
import { betterClock } from './clock.ts'
import { hardwareMark } from './hardware.ts'
import { AGENTS, type Publisher, REGISTER_MS, sleep } from './messages.ts'
import { machineMark, namesakeOf, nameTaken } from './names.ts'
import type { AgentRecord } from './options.ts'

const RETRY_MS = 500
/** Of beats. */
const CLOCK_EVERY = 15
/** A clock that went so much further than time did was set, ms. */
const CLOCK_SET_MS = 250

/** What does not change while it works. */
export type Self = Omit<FleetMachine, 'clock' | 'kernel_ops_s'> & { slots: number }

export interface At {
  nc: NatsConnection
  publisher: Publisher
  /** Without credentials. */
  server: string
  signal: AbortSignal
}

export interface Described {
  clock: FleetMachine['clock']
  kernelOpsS: number | null
  /** A `FleetMachine` as JSON. */
  text: string
  mark: string
}

/** When this process would have begun, by the clock as it is set now. */
function startOfClock(): number {
  return Date.now() - performance.now()
}

export class Presence {
  readonly busy = new Set<AgentRecord['busy'][number]>()
  /** Jobs that were ever begun, those that ended included. */
  begun = 0
  /** Why the last job could not be run; null where it could. */
  trouble: string | null = null
  kernelOpsS: number | null = null
  readonly self: Self
  private readonly place: At
  private readonly can: Capabilities
  private readonly process = nuid.next()
  private readonly at: AgentRecord['at']
  private readonly since = new Date().toISOString()
  private clock: FleetMachine['clock'] = null
  private described: Described | null = null
  private registered = false
  /** The server's number of the first record since there is a link. */
  private first: number | null = null
  private askingForName = false
  private readonly onTaken: (error: Error) => void

  /** @param onTaken called where another machine's agent has the name */
  constructor(self: Self, place: At, can: Capabilities, onTaken: (error: Error) => void) {
    this.self = self
    this.place = place
    this.can = can
    this.onTaken = onTaken
    const { pid, boot } = thisProcess()
    this.at = { host: machineName(), pid, boot, hardware: hardwareMark() }
  }

  begin(doing: AgentRecord['busy'][number]): void {
    this.busy.add(doing)
    this.begun++
  }

  private record(): AgentRecord {
    return {
      ...this.asMachine(),
      process: this.process,
      at: this.at,
      first: this.first,
      slots: this.self.slots,
      can: this.can,
      busy: [...this.busy],
      trouble: this.trouble,
      since: this.since,
    }
  }

  asMachine(): FleetMachine {
    const { slots: _, ...machine } = this.self
    return { ...machine, clock: this.clock, kernel_ops_s: this.kernelOpsS }
  }

  /** Made anew only where something is another. */
  describe(): Described {
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

  private get key(): string {
    return `$KV.${AGENTS}.${this.self.name}.${this.process}`
  }

  /** Says that it is there, until it is told to end. */
  async keep(): Promise<void> {
    const { publisher, signal } = this.place
    let start = startOfClock()
    for (let beat = 0; !signal.aborted; beat++) {
      try {
        const began = performance.now()
        if (!(await this.register())) throw new Error('not registered')
        const [now, tookMs] = [Date.now(), performance.now() - began]
        const wasSet = Math.abs(startOfClock() - start) > CLOCK_SET_MS
        start = startOfClock()
        if (!this.registered || wasSet || beat % CLOCK_EVERY === 0) {
          void this.giveWay()
          await this.measureClock(now - tookMs / 2, tookMs / 2)
        }
        this.registered = true
      } catch {
        // No link now, or no coordinator has set the server up yet.
        this.registered = false
        this.first = null
      }
      await sleep(this.registered ? REGISTER_MS : RETRY_MS, signal)
    }
    await publisher.publish(this.key, '', { isDelete: true, timeoutMs: REGISTER_MS }).catch(() => {})
  }

  /** @returns whether the server has it */
  async register(): Promise<boolean> {
    const record = JSON.stringify(this.record())
    return this.place.publisher.publish(this.key, record, { timeoutMs: REGISTER_MS }).then(
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
  async giveWay(): Promise<void> {
    if (this.askingForName) return
    this.askingForName = true
    try {
      const { nc, signal, server } = this.place
      const other = await namesakeOf(nc, this.record(), this.first, signal)
      if (other !== null) this.onTaken(nameTaken(this.record(), other, server))
    } catch {
      // No link now, or no coordinator has set the server up yet: asked again once it registers.
    } finally {
      this.askingForName = false
    }
  }

  /**
   * The server stamps what it stores, at most `error_ms` before or after.
   * @param at by this machine's clock
   */
  private async measureClock(at: number, error_ms: number): Promise<void> {
    const jsm = await jetstreamManager(this.place.nc, { checkAPI: false })
    const stored = await jsm.direct.getMessage(`KV_${AGENTS}`, { last_by_subj: this.key })
    if (stored === null) return
    this.clock = betterClock(this.clock, { offset_ms: at - stored.time.getTime(), error_ms })
  }
}
