/**
 * The messages of one consumer, taken from what a NATS server sends without an object and a string for each: the client
 * makes some ten of them, which costs more than reading the row does. All else that comes is left to the client.
 */
import { type NatsConnection, NatsConnectionImpl, Parser, State } from '@nats-io/transport-node'

export interface MessageTaker {
  /**
   * Is told of each message, in order.
   * @param sequence of the message in its stream
   * @param delivery its number among those of its consumer
   * @returns whether its payload is wanted
   */
  message(sequence: number, delivery: number): boolean
  /** A request for messages is over, for whatever reason. */
  status(): void
  /** Gets the payloads that were wanted, each with an LF at its end, once for all that came at once. */
  lines(bytes: Buffer, messages: number): void
}

/** From now on the messages of a subscription that was just made go to `taker`, until the connection is made anew. */
export function takeMessages(connection: NatsConnection, sid: number, taker: MessageTaker): void {
  if (!(connection instanceof NatsConnectionImpl)) throw new Error('a connection of another client')
  const { protocol } = connection
  // One that is there already may hold a part of a message.
  if (protocol.parser instanceof MessageParser) protocol.parser.turnTo(sid, taker)
  else protocol.parser = new MessageParser(protocol.parser, sid, taker)
}

const [LF, CR, SPACE, DOT, ZERO, NINE, UPPER_H, UPPER_M] = [10, 13, 32, 46, 48, 57, 72, 77]
const CRLF_BYTES = 2
/** Of the subject to which a message of a stream would be acknowledged. */
const ACK_PREFIX = Buffer.from('$JS.ACK.')
/** `HMSG `, and of a message without headers. */
const [HEADED_BYTES, BARE_BYTES] = [5, 4]
/** More tokens in that subject are those of newer servers, which put domain and account before the stream. */
const SHORT_TOKENS = 9

class MessageParser extends Parser {
  #sid: number
  #taker: MessageTaker
  /** Has begun something that came in parts; null once that is over. */
  #before: Parser | null
  /** Parts of what is not there as a whole yet. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** That it takes; 0 while its line has not ended. */
  #needed = 0

  constructor(before: Parser, sid: number, taker: MessageTaker) {
    super(before.dispatcher)
    this.#before = before
    this.#sid = sid
    this.#taker = taker
  }

  turnTo(sid: number, taker: MessageTaker): void {
    this.#sid = sid
    this.#taker = taker
  }

  override parse(part: Uint8Array): void {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
    let at = this.#finish(bytes)
    // What is held is joined with no more than it needs: all else stays where it is.
    while (this.#heldBytes > 0 && at < bytes.length) {
      const end = this.#needed > 0 ? at + this.#needed - this.#heldBytes : afterLine(bytes, at)
      const more = bytes.subarray(at, end)
      this.#hold(more)
      at += more.length
      if (this.#heldBytes < this.#needed) return
      const joined = Buffer.concat(this.#held, this.#heldBytes)
      this.#held = []
      this.#heldBytes = 0
      this.#hold(joined.subarray(this.#take(joined)))
    }
    if (at === bytes.length) return
    const rest = bytes.subarray(at)
    // A copy, which does not hold on to the memory of all that was taken.
    this.#hold(Buffer.from(rest.subarray(this.#take(rest))))
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
  }

  /** @returns how many bytes what was begun takes */
  #finish(bytes: Buffer): number {
    let at = 0
    while (this.#before !== null && this.#before.state !== State.OP_START && at < bytes.length) {
      this.#before.parse(bytes.subarray(at, at + 1))
      at += 1
    }
    if (this.#before?.state === State.OP_START) this.#before = null
    return at
  }

  /**
   * Payloads are moved to the start of the bytes, over what was read of them.
   * @returns where what is not there as a whole begins
   */
  #take(bytes: Buffer): number {
    const taker = this.#taker
    let written = 0
    let messages = 0
    let at = 0
    this.#needed = 0
    while (at < bytes.length) {
      const lineEnd = bytes.indexOf(LF, at)
      if (lineEnd < 0) break
      const first = bytes[at]
      const isHeaded = first === UPPER_H
      if (!isHeaded && first !== UPPER_M) {
        this.#leave(bytes, at, lineEnd + 1)
        at = lineEnd + 1
        continue
      }
      // The line ends in the bytes of the headers, where there are some, and those of headers and payload.
      let p = lineEnd - 1
      if (bytes[p] === CR) p -= 1
      let size = 0
      for (let unit = 1; isDigit(bytes[p]); p -= 1, unit *= 10) size += unit * (bytes[p]! - ZERO)
      const bodyEnd = lineEnd + 1 + size
      const end = bodyEnd + CRLF_BYTES
      if (end > bytes.length) {
        this.#needed = end - at
        break
      }
      const reply = this.#replyAt(bytes, at + (isHeaded ? HEADED_BYTES : BARE_BYTES), lineEnd)
      if (reply < 0) this.#leave(bytes, at, end)
      else if (!stands(ACK_PREFIX, bytes, reply)) taker.status()
      else if (this.#isWanted(bytes, reply)) {
        let headers = 0
        p -= 1
        if (isHeaded)
          for (let unit = 1; isDigit(bytes[p]); p -= 1, unit *= 10) headers += unit * (bytes[p]! - ZERO)
        const start = lineEnd + 1 + headers
        bytes.copyWithin(written, start, bodyEnd)
        written += bodyEnd - start
        // An empty payload is no line.
        if (bodyEnd > start && bytes[written - 1] !== LF) bytes[written++] = LF
        messages += 1
      }
      at = end
    }
    if (messages > 0) taker.lines(bytes.subarray(0, written), messages)
    return at
  }

  /** To the client, which may keep what it gets. */
  #leave(bytes: Buffer, from: number, to: number): void {
    super.parse(Buffer.from(bytes.subarray(from, to)))
  }

  /**
   * @param from where the subject starts
   * @returns where what follows the subscription's number starts; -1: it is another subscription
   */
  #replyAt(bytes: Buffer, from: number, lineEnd: number): number {
    let p = from
    while (p < lineEnd && bytes[p] !== SPACE) p += 1
    let sid = 0
    for (p += 1; isDigit(bytes[p]); p += 1) sid = 10 * sid + bytes[p]! - ZERO
    return sid === this.#sid ? p + 1 : -1
  }

  /** Tells of a message by its reply subject: `$JS.ACK.STREAM.CONSUMER.DELIVERIES.SEQUENCE.DELIVERY.TIME.PENDING`. */
  #isWanted(bytes: Buffer, reply: number): boolean {
    let [sixth, seventh, eighth, ninth] = [0, 0, 0, 0]
    let token = 1
    let value = 0
    for (let p = reply; ; p += 1) {
      const c = bytes[p]!
      if (c !== DOT && c !== SPACE) {
        value = 10 * value + c - ZERO
        continue
      }
      if (token === 6) sixth = value
      else if (token === 7) seventh = value
      else if (token === 8) eighth = value
      else if (token === 9) ninth = value
      value = 0
      if (c === SPACE) break
      token += 1
    }
    return token > SHORT_TOKENS ? this.#taker.message(eighth, ninth) : this.#taker.message(sixth, seventh)
  }
}

function afterLine(bytes: Buffer, from: number): number {
  const lineEnd = bytes.indexOf(LF, from)
  return lineEnd < 0 ? bytes.length : lineEnd + 1
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

function stands(text: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text[i]) return false
  return true
}
