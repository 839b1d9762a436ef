/** Events into a stored stream of NATS, in order and each once. */
import { jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { BrokerError } from '../brokers/address.ts'
import { connectNats, natsError } from '../brokers/nats.ts'
import { INTENDED_HEADER, placeOf } from '../data/sources/nats.ts'
import type { Outlet } from './outlet.ts'

/** Events sent and not yet acknowledged, at most. */
const MOST_UNDER_WAY = 8_192
/** How long no acknowledgement may come before all that are missing are sent again, ms. */
const RESEND_MS = 2_000
const GIVE_UP_MS = 30_000

/** Makes the stream where there is none. */
export async function natsOutlet(to: string): Promise<Outlet> {
  const { server, stream, subject } = placeOf(to)
  const connection = await connectNats(server, { name: 'stint publish', reconnectMs: GIVE_UP_MS })
  try {
    const manager = await jetstreamManager(connection)
    const name = subject ?? stream
    const known = await manager.streams.info(stream).catch(() => null)
    if (known === null)
      await manager.streams.add({
        ...{ name: stream, subjects: [name], storage: StorageType.File, retention: RetentionPolicy.Limits },
      })
    return new NatsOutlet(connection, to, server, name, stream)
  } catch (error) {
    await connection.close()
    if ((error as Error).name === 'JetStreamNotEnabled')
      throw new BrokerError(
        `${server} stores no streams: JetStream is off`,
        'start nats-server with -js, or name another server',
        { cause: error },
      )
    const { message } = error as Error
    throw /stream|subject/i.test(message)
      ? new BrokerError(
          `${to}: the stream cannot be made: ${message}`,
          'a subject belongs to one stream: name that one, or another subject',
          { cause: error },
        )
      : natsError(error, server)
  }
}

interface UnderWay {
  payload: Uint8Array
  intendedMs: number
}

class NatsOutlet implements Outlet {
  acknowledged = 0
  reconnections = 0
  outOfOrder = 0
  failure: Error | null = null
  private readonly connection: NatsConnection
  private readonly subject: string
  private readonly stream: string
  private readonly to: string
  private readonly inbox = createInbox()
  /** Names this publisher in the ids by which a stream knows duplicates. */
  private readonly id = createInbox().slice(-22)
  private readonly underWay = new Map<number, UnderWay>()
  private isConnected = true
  private lastAck = performance.now()
  /** Where the newest event lies in the stream, and its number. */
  private stored = { sequence: 0, event: -1 }
  private readonly timer: NodeJS.Timeout
  private wake: (() => void) | null = null

  constructor(connection: NatsConnection, to: string, server: string, subject: string, stream: string) {
    this.connection = connection
    this.to = to
    this.subject = subject
    this.stream = stream
    connection.subscribe(`${this.inbox}.*`, { callback: (_error, msg) => this.acknowledge(msg) })
    void this.watch(server)
    this.timer = setInterval(() => this.look(), RESEND_MS / 4)
  }

  get ready(): boolean {
    return this.isConnected && this.underWay.size < MOST_UNDER_WAY
  }

  send(payload: Uint8Array, sequence: number, intendedMs: number): void {
    if (this.underWay.size === 0) this.lastAck = performance.now()
    const event = { payload, intendedMs }
    this.underWay.set(sequence, event)
    this.put(sequence, event)
  }

  async finish(): Promise<void> {
    while (this.underWay.size > 0 && this.failure === null)
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    if (this.failure !== null) throw this.failure
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    await this.connection.close()
  }

  private put(sequence: number, { payload, intendedMs }: UnderWay): void {
    const head = headers()
    head.set('Nats-Msg-Id', `${this.id}-${sequence}`)
    head.set('Nats-Expected-Stream', this.stream)
    head.set(INTENDED_HEADER, intendedMs.toFixed(3))
    this.connection.publish(this.subject, payload, { headers: head, reply: `${this.inbox}.${sequence}` })
  }

  private acknowledge(msg: Msg): void {
    const event = Number(msg.subject.slice(this.inbox.length + 1))
    // No one stores this subject: JetStream is gone for the moment.
    if (msg.data.length === 0) return
    const { seq, error } = JSON.parse(msg.string()) as { seq?: number; error?: { description: string } }
    if (error !== undefined) {
      this.fail(new BrokerError(`${this.to}: the stream takes no event: ${error.description}`))
      return
    }
    if (!this.underWay.delete(event)) return
    this.acknowledged += 1
    this.lastAck = performance.now()
    if (seq! < this.stored.sequence !== event < this.stored.event) this.outOfOrder += 1
    if (event > this.stored.event) this.stored = { sequence: seq!, event }
    if (this.underWay.size === 0) this.wake?.()
  }

  /** A stream leaves out what it has: whatever has no acknowledgement is sent again, in order. */
  private look(): void {
    const silentMs = performance.now() - this.lastAck
    if (this.underWay.size === 0 || silentMs < RESEND_MS) return
    if (silentMs > GIVE_UP_MS)
      this.fail(
        new BrokerError(
          `${this.to}: ${this.underWay.size} events were not acknowledged within ${GIVE_UP_MS / 1000} s`,
          'see whether the server is overloaded, or its disk is full',
        ),
      )
    else if (this.isConnected) this.resend()
  }

  private resend(): void {
    for (const [sequence, event] of this.underWay) this.put(sequence, event)
  }

  private async watch(server: string): Promise<void> {
    void (async () => {
      for await (const { type } of this.connection.status()) {
        if (type === 'disconnect') this.isConnected = false
        if (type !== 'reconnect') continue
        this.reconnections += 1
        this.resend()
        this.isConnected = true
      }
    })()
    const reason = await this.connection.closed()
    if (reason instanceof Error) this.fail(natsError(reason, server))
  }

  private fail(error: Error): void {
    this.failure ??= error
    this.wake?.()
  }
}
