/** Rows that a publisher sends through a broker while a trial runs. */
import { BrokerError } from '../../brokers/address.ts'
import { type Link, openLink } from '../../brokers/link.ts'
import { type EventSource, LIVE_PATH, LIVE_SOURCES, type SourceEvent } from './events.ts'

/** How long nothing may come that is waited for, ms. */
const SILENCE_MS = 30_000
const READY_EVERY_MS = 100

export class LiveRows implements EventSource {
  /** Where a reader finds them. */
  readonly path: string
  private readonly url: string
  private readonly link: Link
  private queue: Uint8Array[] = []
  private head = 0
  private sequence = 0
  private wake: (() => void) | null = null

  /**
   * Connects, and waits until the publisher is there and has sent the header, if there is one.
   * @param id that the publisher has as well
   */
  static async open(url: string, id: string): Promise<LiveRows> {
    const link = await openLink(url, id)
    try {
      const rows = new LiveRows(url, id, link)
      await link.hear('rows', (payload) => rows.take(payload))
      let heard = false
      await link.hear('control', (payload) => {
        if (String.fromCharCode(...payload) !== HELLO) return
        heard = true
        rows.wake?.()
      })
      const since = performance.now()
      while (!heard) {
        link.send('control', Buffer.from(READY))
        await rows.sleep(READY_EVERY_MS)
        if (link.failure !== null) throw link.failure
        if (performance.now() - since > SILENCE_MS)
          throw new BrokerError(`${url}: the publisher did not answer within ${SILENCE_MS / 1000} s`)
      }
      return rows
    } catch (error) {
      await link.close()
      throw error
    }
  }

  private constructor(url: string, id: string, link: Link) {
    this.url = url
    this.link = link
    this.path = LIVE_PATH + id
    LIVE_SOURCES.set(this.path, this)
  }

  /** The clock of the arrivals starts at that time of the machine's monotonic clock, ms. */
  start(atMs: number): void {
    this.link.send('control', Buffer.from(`${START}${atMs}`))
  }

  ready(): SourceEvent | null {
    const payload = this.queue[this.head]
    if (payload === undefined) return null
    this.head += 1
    if (this.head === this.queue.length) {
      this.queue = []
      this.head = 0
    }
    this.sequence += 1
    return { sequence: this.sequence, intendedMs: null, payload }
  }

  async wait(): Promise<boolean> {
    const since = performance.now()
    while (this.head === this.queue.length) {
      if (this.link.failure !== null) throw this.link.failure
      if (performance.now() - since > SILENCE_MS)
        throw new BrokerError(`${this.url}: an event that was due has not come for ${SILENCE_MS / 1000} s`)
      await this.sleep(1000)
    }
    return true
  }

  close(): void {
    LIVE_SOURCES.delete(this.path)
    void this.link.close()
  }

  private take(payload: Uint8Array): void {
    this.queue.push(payload)
    this.wake?.()
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.wake = null
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.wake = end
    })
  }
}

/** What is said on the control channel: by the reader until it is answered, by the publisher, and by the reader again. */
export const READY = 'ready'
export const HELLO = 'hello'
export const START = 'start '
