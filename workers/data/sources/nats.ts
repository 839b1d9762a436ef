/**
 * A stored NATS stream, read as a file is: from its first message to the last one that it had when it was looked at.
 * Load this module only where a stream is named.
 */
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamInfo,
} from '@nats-io/jetstream'
import { createInbox, type NatsConnection, nanos, type Subscription } from '@nats-io/transport-node'
import { BrokerError, brokerAddress } from '../../brokers/address.ts'
import { connectNats, natsError } from '../../brokers/nats.ts'
import { type MessageTaker, takeMessages } from './nats-messages.ts'
import type { ByteSource } from './source.ts'

/** The part of a stream that a run reads, so that every trial reads the same. */
interface StreamRange {
  /** Sequence numbers in the stream. */
  first: number
  last: number
  /** Of the subject that is read. */
  messages: number
  /** When the stream was made, ms since 1970: another one of its name is told apart by it. */
  made: number
}

interface StreamPlace {
  server: string
  /** As shown to people: without the range. */
  url: string
  stream: string
  /** Null: all of the stream's. */
  subject: string | null
  /** Null: not looked at yet. */
  range: StreamRange | null
}

const RANGE = /\?from=(\d+)&to=(\d+)&messages=(\d+)&made=(\d+)$/
const STREAM_NAME = /^[^\s.*>/\\]+$/

/** @throws {BrokerError} where the URL names no stream */
export function placeOf(path: string): StreamPlace {
  const range = RANGE.exec(path)
  const url = range === null ? path : path.slice(0, range.index)
  const { server, path: named } = brokerAddress(url)
  const dot = named.indexOf('.')
  const stream = dot < 0 ? named : named.slice(0, dot)
  const subject = dot < 0 ? null : named.slice(dot + 1)
  if (!STREAM_NAME.test(stream) || subject === '' || /\s/.test(named)) {
    throw new BrokerError(
      `${url}: names no stream`,
      `expected ${server}/STREAM for all of a stream, or ${server}/STREAM.SUBJECT for one subject in it`,
    )
  }
  const [from, to, messages, made] = range?.slice(1).map(Number) ?? []
  return {
    ...{ server, url, stream, subject },
    range: range === null ? null : { first: from!, last: to!, messages: messages!, made: made! },
  }
}

/**
 * Looks at what a stream holds now.
 * @param path of a stream: `nats://HOST:PORT/STREAM.SUBJECT`
 * @returns the path of just these messages, and the start of the first
 * @throws {BrokerError} where the server, the stream or its messages are not there
 */
export async function lookAtStream(path: string): Promise<{ path: string; head: Uint8Array }> {
  const place = placeOf(path)
  if (place.range !== null) return { path, head: new Uint8Array(0) }
  const reader = new StoredStream(place)
  try {
    const { range, head } = await reader.look()
    const { first, last, messages, made } = range
    const named = `${place.url}?from=${first}&to=${last}&messages=${messages}&made=${made}`
    return { path: named, head }
  } finally {
    reader.close()
  }
}

/** The messages of a path that `lookAtStream` returned, as lines. The connection is made at the first read. */
export function natsBytes(path: string): ByteSource {
  return new StoredStream(placeOf(path))
}

/** Messages asked for at a time; a half of them is let run out before more are. */
const BATCH_MESSAGES = 2_048
/** What they may hold at most; a message must fit as a whole. */
const BATCH_BYTES = 8 * 1024 * 1024
const PULL_EXPIRES_MS = 30_000
/** How long nothing may come before the consumer is made anew. */
const DOUBT_MS = 2_000
/** How long nothing may come before the stream is given up. */
const SILENCE_MS = 30_000
const INACTIVE_MS = 30_000
const API_TIMEOUT_MS = 5_000

/**
 * Reads by a consumer of its own that acknowledges nothing: whatever is in doubt, a gap, a lost connection or a long
 * silence, is settled by a new consumer that starts after the last message taken. So none is lost and none is taken twice.
 */
class StoredStream implements ByteSource, MessageTaker {
  private readonly place: StreamPlace
  private connection: NatsConnection | null = null
  private manager: JetStreamManager | null = null
  private subscription: Subscription | null = null
  private inbox = ''
  private nextSubject = ''
  /** Lines that came and are not read yet, of so many messages. */
  private parts: { bytes: Buffer; messages: number }[] = []
  private waiting = 0
  /** Of the first part, how many bytes are read. */
  private begun = 0
  /** Sequence of the first message taken, and of the last. */
  private first = 0
  private taken = 0
  /** Deliveries by the present consumer. */
  private delivered = 0
  /** Messages asked for and not yet come. */
  private outstanding = 0
  private ended = false
  private closed = false
  private failure: Error | null = null
  /** The present consumer cannot be relied on. */
  private inDoubt = false
  private wake: (() => void) | null = null

  constructor(place: StreamPlace) {
    this.place = place
  }

  /** The range that the stream has now. Not to be read from after that. */
  async look(): Promise<{ range: StreamRange; head: Uint8Array }> {
    const { stream, url } = this.place
    const manager = await this.connect()
    const { created, state } = await this.info(manager)
    const messages = await this.subscribeFrom(manager, null)
    if (messages === 0) throw this.empty(state.messages)
    // The last message of the subject: the whole stream's last one where it has only that.
    const { subject } = this.place
    const last =
      subject === null
        ? state.last_seq
        : (await manager.streams.getMessage(stream, { last_by_subj: subject }))?.seq
    if (last === undefined) throw new BrokerError(`${url}: its last message is gone`)
    this.place.range = { first: 0, last, messages, made: Date.parse(String(created)) }
    this.ask()
    await this.wait()
    if (this.first === 0) throw this.empty(state.messages)
    const head = Uint8Array.from(this.parts[0]?.bytes.subarray(0, HEAD_BYTES) ?? [])
    return { range: { ...this.place.range, first: this.first }, head }
  }

  read(into: Uint8Array, offset: number): number | Promise<number> {
    if (offset >= into.length) return 0
    return this.parts.length > 0 ? this.fill(into, offset) : this.waitAndFill(into, offset)
  }

  private async waitAndFill(into: Uint8Array, offset: number): Promise<number> {
    return (await this.wait()) ? this.fill(into, offset) : 0
  }

  private fill(into: Uint8Array, offset: number): number {
    const { parts } = this
    let at = offset
    let done = 0
    for (; done < parts.length && at < into.length; done += 1) {
      const { bytes, messages } = parts[done]!
      const rest = bytes.subarray(this.begun, this.begun + into.length - at)
      into.set(rest, at)
      at += rest.length
      this.begun += rest.length
      if (this.begun < bytes.length) break
      this.begun = 0
      this.waiting -= messages
    }
    parts.splice(0, done)
    if (this.outstanding <= BATCH_MESSAGES / 2) this.ask()
    return at - offset
  }

  /** @returns whether lines came; false at the end of the data */
  private async wait(): Promise<boolean> {
    if (this.connection === null) await this.open()
    let silentMs = 0
    for (;;) {
      if (this.parts.length > 0) return true
      if (this.ended) return false
      if (this.failure !== null) throw this.failure
      if (this.inDoubt || silentMs > 0) await this.resubscribe()
      if (this.parts.length > 0 || this.failure !== null || this.ended) continue
      const began = performance.now()
      const woken = await this.sleep(DOUBT_MS)
      silentMs = woken ? 0 : silentMs + performance.now() - began
      if (silentMs > SILENCE_MS) {
        throw new BrokerError(
          `${this.place.url}: nothing has come for ${Math.round(silentMs / 1000)} s, and ${this.missing()} to come`,
          'see whether the server is overloaded or stopped',
        )
      }
    }
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    const { connection } = this
    this.parts = []
    this.dropConsumer()
    // What was asked for last still goes out.
    void connection
      ?.flush()
      .catch(() => {})
      .finally(() => connection.close().catch(() => {}))
  }

  private async open(): Promise<void> {
    const { range, url } = this.place
    if (range === null) throw new Error(`${url}: not looked at before it is read`)
    const manager = await this.connect()
    const { created, state } = await this.info(manager)
    if (Date.parse(String(created)) !== range.made) {
      throw this.changed('it was deleted and made again')
    }
    if (state.last_seq < range.last) throw this.changed(`its last message has sequence ${state.last_seq}`)
    this.taken = range.first - 1
    const there = await this.subscribeFrom(manager, range.first)
    if (there < range.messages) {
      throw this.changed(`${range.messages - there} of its ${range.messages} messages are gone`)
    }
    this.ask()
  }

  private async connect(): Promise<JetStreamManager> {
    const { server } = this.place
    this.connection = await connectNats(server, { name: 'stint source' })
    void this.watch(this.connection)
    try {
      this.manager = await jetstreamManager(this.connection, { timeout: API_TIMEOUT_MS })
      return this.manager
    } catch (error) {
      throw this.explained(error)
    }
  }

  /** Takes note of a connection that was made again, or given up. */
  private async watch(connection: NatsConnection): Promise<void> {
    const { server, url } = this.place
    void (async () => {
      for await (const { type } of connection.status()) {
        if (type === 'reconnect') this.doubt()
      }
    })()
    const reason = await connection.closed()
    if (this.closed) return
    const because = reason instanceof Error ? `: ${natsError(reason, server).message}` : ''
    this.failure = new BrokerError(
      `${url}: the connection was lost and could not be made again${because}`,
      'start the server again; a run goes on by "stint resume"',
    )
    this.wake?.()
  }

  private async info(manager: JetStreamManager): Promise<StreamInfo> {
    try {
      return await manager.streams.info(this.place.stream)
    } catch (error) {
      throw this.explained(error)
    }
  }

  /** @returns how many messages are there from `first` on */
  private async subscribeFrom(manager: JetStreamManager, first: number | null): Promise<number> {
    const { stream, subject } = this.place
    const connection = this.connection!
    try {
      const { name, num_pending } = await manager.consumers.add(stream, {
        ack_policy: AckPolicy.None,
        inactive_threshold: nanos(INACTIVE_MS),
        mem_storage: true,
        ...(first === null
          ? { deliver_policy: DeliverPolicy.All }
          : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: first }),
        ...(subject !== null && { filter_subject: subject }),
      })
      this.dropConsumer()
      this.inbox = createInbox()
      this.nextSubject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`
      this.delivered = 0
      this.outstanding = 0
      this.inDoubt = false
      // Only one that comes over a connection just made anew comes this way.
      this.subscription = connection.subscribe(this.inbox, { callback: () => this.doubt() })
      takeMessages(connection, this.subscription.getID(), this)
      return num_pending
    } catch (error) {
      throw this.explained(error)
    }
  }

  private async resubscribe(): Promise<void> {
    if (this.connection!.isClosed()) return
    try {
      await this.subscribeFrom(this.manager!, this.taken + 1)
      this.ask()
    } catch (error) {
      // A server that starts has no stream yet, and one that hangs does not answer: the silence decides.
      this.inDoubt = true
      if (isStreamMissing((error as Error).cause)) throw error
      await this.sleep(RETRY_MS)
    }
  }

  private dropConsumer(): void {
    this.subscription?.unsubscribe()
    this.subscription = null
    if (this.nextSubject === '' || this.connection?.isClosed() !== false) return
    this.connection.publish(this.nextSubject.replace('.MSG.NEXT.', '.DELETE.'))
    this.nextSubject = ''
  }

  private ask(): void {
    const { range } = this.place
    if (this.ended || this.inDoubt || this.closed || this.nextSubject === '' || range === null) return
    if (this.waiting > BATCH_MESSAGES) return
    this.outstanding += BATCH_MESSAGES
    const request = { batch: BATCH_MESSAGES, max_bytes: BATCH_BYTES, expires: nanos(PULL_EXPIRES_MS) }
    try {
      this.connection!.publish(this.nextSubject, JSON.stringify(request), { reply: this.inbox })
    } catch {
      // The connection is closing: `watch` says so.
    }
  }

  status(): void {
    this.outstanding = 0
    this.ask()
  }

  message(sequence: number, delivery: number): boolean {
    if (this.ended || this.inDoubt || this.closed) return false
    this.outstanding -= 1
    if (delivery !== this.delivered + 1) {
      this.doubt()
      return false
    }
    this.delivered = delivery
    if (sequence <= this.taken) return false
    this.taken = sequence
    const { last } = this.place.range!
    if (this.first === 0) this.first = sequence
    if (sequence >= last) {
      this.ended = true
      this.wake?.()
    }
    return sequence <= last
  }

  lines(bytes: Buffer, messages: number): void {
    if (bytes.length === 0) return
    this.parts.push({ bytes, messages })
    this.waiting += messages
    this.wake?.()
  }

  private doubt(): void {
    this.inDoubt = true
    this.wake?.()
  }

  /** @returns false where the time was up */
  private sleep(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (woken: boolean) => {
        clearTimeout(timer)
        this.wake = null
        resolve(woken)
      }
      const timer = setTimeout(() => end(false), ms)
      this.wake = () => end(true)
    })
  }

  private missing(): string {
    const { last } = this.place.range!
    return `messages ${this.taken + 1} to ${last} are`
  }

  private empty(inStream: number): BrokerError {
    const { url, stream, subject } = this.place
    return inStream === 0
      ? new BrokerError(`${url}: stream ${stream} is empty`, 'send data to it, such as by "stint publish"')
      : new BrokerError(
          `${url}: stream ${stream} has ${inStream} messages, and none of subject "${subject}"`,
          'name a subject that it has, or only the stream',
        )
  }

  private changed(how: string): BrokerError {
    return new BrokerError(
      `${this.place.url}: the stream has changed since it was first read: ${how}`,
      'trials of other data would not be comparable: start a new run, on a stream whose limits keep its messages',
    )
  }

  private explained(error: unknown): BrokerError {
    if (error instanceof BrokerError) return error
    const { url, server, stream, subject } = this.place
    const options = { cause: error }
    if (isStreamMissing(error)) {
      return new BrokerError(
        `${url}: there is no stream "${stream}"`,
        `the part before the first dot names it; "stint publish FILE --to ${server}/${stream}" makes it`,
        options,
      )
    }
    if ((error as Error).name === 'JetStreamNotEnabled') {
      return new BrokerError(
        `${server} stores no streams: JetStream is off`,
        'start nats-server with -js, or name another server',
        options,
      )
    }
    const { message } = error as Error
    if (error instanceof JetStreamApiError && /filter subject/.test(message)) {
      return new BrokerError(
        `${url}: stream ${stream} takes no messages of subject "${subject}"`,
        'name a subject that it has, or only the stream',
        options,
      )
    }
    if (error instanceof JetStreamApiError) return new BrokerError(`${url}: ${message}`, undefined, options)
    return natsError(error, server)
  }
}

const HEAD_BYTES = 1024
const RETRY_MS = 250

/** JetStream's own code. */
const STREAM_NOT_FOUND = 10059

/** Asking again will not help. */
function isStreamMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND
}

/** When its publisher meant an event to arrive, ms since 1970. */
export const INTENDED_HEADER = 'Stint-Intended'
