/**
 * Events of an MQTT topic, which keeps none: they are written to a file as they come, once, as standard input is.
 * Load this module only where a topic is named.
 */
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import type { IPublishPacket } from 'mqtt'
import { BrokerError, brokerAddress } from '../../brokers/address.ts'
import { connectMqtt, mqttError } from '../../brokers/mqtt.ts'
import { startsJson } from './events.ts'

const QUALITIES_OF_SERVICE = [0, 1] as const
export type QualityOfService = (typeof QUALITIES_OF_SERVICE)[number]

/** User properties of a message that say which event it is; their publisher may leave them out. */
export const MQTT_PROPERTIES = {
  /** Number of the event, from 0. */
  sequence: 'stint-sequence',
  /** When it was meant to arrive, ms since 1970. */
  intended: 'stint-intended',
  /** Of a message without payload that ends the data: how many events there were. */
  end: 'stint-end',
} as const

export interface TopicOptions {
  qos: QualityOfService
  /** How long nothing may come before the data counts as ended, s. */
  waitS: number
  /** The data ends after so many rows; null: as the publisher says, or the silence. */
  rows: number | null
  /** The first message of a CSV is its header. */
  hasHeader: boolean
}

export interface Collected {
  /** The header of a CSV is one as well. */
  events: number
  /** Whether each is a JSON object. */
  json: boolean
  /** Events that never came; null where their publisher does not number them. */
  lost: number | null
  /** Events that came again and were left out; null where they cannot be told. */
  duplicates: number | null
  /** Events that came after a later one. */
  late: number
  endedBy: 'publisher' | 'count' | 'silence'
}

/** How long a broker keeps what comes while the connection is broken, s. */
const KEPT_S = 300
const LF = 10
const PART_BYTES = 64 * 1024

/**
 * Writes a topic's payloads to a file, a line each.
 * @param url such as `mqtt://localhost:1883/topic`; the topic may have wildcards
 * @throws {BrokerError} where the broker is not there, refuses, or nothing comes
 */
export async function collectTopic(url: string, path: string, options: TopicOptions): Promise<Collected> {
  const { server, path: topic } = brokerAddress(url)
  if (topic === '') throw new BrokerError(`${url}: names no topic`, `expected ${server}/TOPIC`)
  const { client } = await connectMqtt(server, options.qos === 0 ? {} : { keptS: KEPT_S })
  const file = createWriteStream(path)
  const collection = new Collection(url, file, options)
  const look = setInterval(() => collection.look(), LOOK_MS)
  try {
    client.handleMessage = (packet, done) => collection.take(packet, done)
    const granted = await client.subscribeAsync(topic, { qos: options.qos }).catch((error: unknown) => {
      throw mqttError(error, server)
    })
    if (granted.some(({ qos }) => qos > 2))
      throw new BrokerError(`${url}: the broker does not let this user read the topic`)
    return await collection.ended
  } finally {
    clearInterval(look)
    client.end(true)
    file.end()
    await once(file, 'close')
  }
}

class Collection {
  /** Rejects where nothing came, or the file cannot be written. */
  readonly ended: Promise<Collected>
  private readonly url: string
  private readonly file: WriteStream
  private readonly options: TopicOptions
  private readonly count = new Count()
  /** Events that are enough; null before the first one tells whether there is a header. */
  private enough: number | null = null
  private json = false
  /** Lines that are not written yet: a write for each would cost more than the event does. */
  private part = Buffer.allocUnsafe(PART_BYTES)
  private used = 0
  /** How many the publisher says there were. */
  private announced: number | null = null
  private last = performance.now()
  private settle!: (end: Collected | Error) => void

  constructor(url: string, file: WriteStream, options: TopicOptions) {
    this.url = url
    this.file = file
    this.options = options
    this.ended = new Promise((resolve, reject) => {
      this.settle = (end) => (end instanceof Error ? reject(end) : resolve(end))
    })
    // It may be settled before anybody waits for it.
    this.ended.catch(() => {})
    file.once('error', this.settle)
  }

  take(packet: IPublishPacket, done: () => void): void {
    const { file } = this
    this.last = performance.now()
    const end = userProperty(packet, MQTT_PROPERTIES.end)
    if (end !== null) this.announced = Number(end)
    else if (!this.isComplete()) {
      const sequence = userProperty(packet, MQTT_PROPERTIES.sequence)
      if (this.count.isNew(sequence)) this.write(packet.payload as Buffer, sequence)
    }
    if (this.isComplete()) this.end(this.count.events === this.announced ? 'publisher' : 'count')
    // A disk that is slower than the broker holds the broker back.
    if (file.writableNeedDrain) file.once('drain', () => done())
    else done()
  }

  /** Asks whether the silence is long enough. */
  look(): void {
    const { url } = this
    const { waitS } = this.options
    // Where the end came before all events, the others may be under way.
    const limitS = this.announced === null ? waitS : Math.min(waitS, GRACE_S)
    if (performance.now() - this.last < 1000 * limitS) return
    const hint = 'start the publisher once the run waits for events, or raise dataset.wait_s'
    if (this.count.events === 0) this.settle(new BrokerError(`${url}: no event came within ${waitS} s`, hint))
    else this.end(this.announced === null ? 'silence' : 'publisher')
  }

  private write(payload: Buffer, sequence: string | null): void {
    const { rows, hasHeader } = this.options
    if (this.enough === null) {
      this.json = startsJson(payload)
      if (hasHeader && !this.json && sequence !== null && sequence !== '0')
        this.settle(
          new BrokerError(
            `${this.url}: the header of the CSV was published before Stint listened`,
            'start the publisher again once the run waits for events',
          ),
        )
      this.enough = rows === null ? Number.POSITIVE_INFINITY : rows + (hasHeader && !this.json ? 1 : 0)
    }
    if (payload.length + 1 > PART_BYTES - this.used) this.flush()
    if (payload.length + 1 > PART_BYTES) {
      this.file.write(payload)
      if (payload.at(-1) !== LF) this.file.write('\n')
      return
    }
    this.part.set(payload, this.used)
    this.used += payload.length
    if (payload.at(-1) !== LF) this.part[this.used++] = LF
  }

  private flush(): void {
    if (this.used > 0) this.file.write(this.part.subarray(0, this.used))
    this.part = Buffer.allocUnsafe(PART_BYTES)
    this.used = 0
  }

  private isComplete(): boolean {
    const { events } = this.count
    return (
      (this.enough !== null && events >= this.enough) || (this.announced !== null && events >= this.announced)
    )
  }

  private end(endedBy: Collected['endedBy']): void {
    this.flush()
    this.settle({
      ...this.count.result(endedBy === 'count' ? null : this.announced),
      json: this.json,
      endedBy,
    })
  }
}

const LOOK_MS = 50
/** After the end was announced, for what is under way, s. */
const GRACE_S = 2

function userProperty({ properties }: IPublishPacket, name: string): string | null {
  const value = properties?.userProperties?.[name]
  return typeof value === 'string' ? value : null
}

/** Which events came, by their numbers: a bit each. */
export class Count {
  events = 0
  private numbered = 0
  private duplicates = 0
  private late = 0
  /** The largest number yet; -1 before the first. */
  private largest = -1
  private seen = new Uint8Array(1 << 12)

  /** @param sequence null where the event has none: each then counts as new */
  isNew(sequence: string | null): boolean {
    const number = sequence === null ? Number.NaN : Number(sequence)
    if (!Number.isSafeInteger(number) || number < 0 || number > LARGEST) {
      this.events += 1
      return true
    }
    const at = number >>> 3
    if (at >= this.seen.length) {
      const larger = new Uint8Array(Math.max(at + 1, 2 * this.seen.length))
      larger.set(this.seen)
      this.seen = larger
    }
    const bit = 1 << (number & 7)
    if ((this.seen[at]! & bit) !== 0) {
      this.duplicates += 1
      return false
    }
    this.seen[at]! |= bit
    if (number < this.largest) this.late += 1
    this.largest = Math.max(this.largest, number)
    this.events += 1
    this.numbered += 1
    return true
  }

  /** @param announced how many events the publisher says there were; null where it does not */
  result(announced: number | null): Pick<Collected, 'events' | 'lost' | 'duplicates' | 'late'> {
    const isNumbered = this.events > 0 && this.numbered === this.events
    const all = announced ?? this.largest + 1
    return {
      events: this.events,
      lost: isNumbered || announced !== null ? Math.max(0, all - this.events) : null,
      duplicates: isNumbered ? this.duplicates : null,
      late: this.late,
    }
  }
}

const LARGEST = 2 ** 31 - 1
