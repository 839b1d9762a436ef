/** Events one at a time, and the bytes that they make: what brokers have, where files have bytes. */
import type { ByteSource } from './source.ts'

export interface SourceEvent {
  /** Of the event in its stream, growing; a redelivered event has the same. */
  sequence: number
  /** When it was meant to arrive, ms since 1970; null where its publisher does not say. */
  intendedMs: number | null
  /** One row or JSON object, or several lines of them. Valid until the next event is asked for. */
  payload: Uint8Array
}

export interface EventSource {
  /** The next event where it is there already. */
  ready(): SourceEvent | null
  /**
   * Waits until one is there.
   * @returns false at the end of the data
   * @throws {BrokerError} where the broker is gone
   */
  wait(): Promise<boolean>
  close(): void
}

/** Sources that only one process has, by the path under which its readers find them. */
export const LIVE_SOURCES = new Map<string, EventSource>()
export const LIVE_PATH = 'live:'

const LF = 10

/** The payloads as lines of one file: an LF is added to those that end in none. */
export class EventBytes implements ByteSource {
  readonly #events: EventSource
  #rest: Uint8Array = new Uint8Array(0)
  #needsEnd = false

  constructor(events: EventSource) {
    this.#events = events
  }

  read(into: Uint8Array, offset: number): number | Promise<number> {
    if (offset >= into.length) return 0
    const count = this.#fill(into, offset)
    return count > 0 ? count : this.#wait(into, offset)
  }

  close(): void {
    this.#events.close()
  }

  async #wait(into: Uint8Array, offset: number): Promise<number> {
    for (;;) {
      if (!(await this.#events.wait())) return 0
      const count = this.#fill(into, offset)
      if (count > 0) return count
    }
  }

  #fill(into: Uint8Array, offset: number): number {
    let at = offset
    while (at < into.length) {
      if (this.#rest.length > 0) {
        const taken = Math.min(this.#rest.length, into.length - at)
        into.set(this.#rest.length === taken ? this.#rest : this.#rest.subarray(0, taken), at)
        at += taken
        this.#rest = this.#rest.subarray(taken)
      } else if (this.#needsEnd) {
        into[at] = LF
        at += 1
        this.#needsEnd = false
      } else {
        const event = this.#events.ready()
        if (event === null) break
        this.#rest = event.payload
        this.#needsEnd = event.payload.length > 0 && event.payload.at(-1) !== LF
      }
    }
    return at - offset
  }
}

const JSON_STARTS = [...'{['].map((c) => c.charCodeAt(0))
const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])

/** Whether a first message holds a JSON object, or a list of them, and no row of a CSV. */
export function startsJson(payload: Uint8Array): boolean {
  const first = payload.find((byte) => !WHITE_SPACE.has(byte))
  return first !== undefined && JSON_STARTS.includes(first)
}
