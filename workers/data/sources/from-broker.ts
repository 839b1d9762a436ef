/** Data that a broker has, made into what readers take: a part of a stored stream, or a file of its events. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { brokerAddress, isBrokerUrl } from '../../brokers/address.ts'
import type { CsvDialect, DataFormat } from '../types.ts'
import { openSource } from './bytes.ts'
import { startsJson } from './events.ts'
import type { Collected, QualityOfService } from './mqtt.ts'

export interface BrokerFile {
  /** A URL; whatever is none is left as it is. */
  path: string
  format?: DataFormat
  dialect?: CsvDialect
  rows: number | null
  stored_in?: 'nats'
  /** MQTT only. */
  qos?: QualityOfService
  /** MQTT only. */
  wait_s?: number
}

const DEFAULT_QOS: QualityOfService = 1
const DEFAULT_WAIT_S = 30

type Readied = Pick<BrokerFile, 'path' | 'format' | 'stored_in'> & { notes: string[] }

/** Readies each source once, however many data sets are read from it. */
export class BrokerSources {
  private readonly folder: string
  private readonly inPlace: boolean
  private readonly readied = new Map<string, Promise<Readied>>()

  /**
   * @param folder for copies
   * @param inPlace whether the reader takes streams; else each is copied to a file
   */
  constructor(folder: string, inPlace: boolean) {
    this.folder = folder
    this.inPlace = inPlace
  }

  /** @throws {BrokerError} where the broker is not there, or has no such data */
  async ready<T extends BrokerFile>(file: T): Promise<{ file: Omit<T, 'qos' | 'wait_s'>; notes: string[] }> {
    const { qos = DEFAULT_QOS, wait_s = DEFAULT_WAIT_S, ...rest } = file
    if (!isBrokerUrl(file.path)) return { file: rest, notes: [] }
    const isStored = brokerAddress(file.path).protocol === 'nats'
    // A stream is read as a whole whatever rows are asked for, as a file is.
    const key = JSON.stringify(
      isStored ? file.path : [file.path, qos, wait_s, file.rows, file.dialect?.header],
    )
    let found = this.readied.get(key)
    if (found === undefined) {
      const copy = join(this.folder, `events-${this.readied.size + 1}`)
      found = isStored ? this.stream(file, copy) : this.topic(file, copy, qos, wait_s)
      this.readied.set(key, found)
    }
    const { notes, ...readied } = await found
    return { file: { ...rest, ...readied, ...(file.format !== undefined && { format: file.format }) }, notes }
  }

  private async stream({ path }: BrokerFile, copy: string): Promise<Readied> {
    const { lookAtStream } = await import('./nats.ts')
    const { path: stored, head } = await lookAtStream(path)
    const format = startsJson(head) ? 'ndjson' : 'csv'
    if (this.inPlace) return { path: stored, format, stored_in: 'nats', notes: [] }
    await pipeline(Readable.from(parts(stored)), createWriteStream(copy))
    return {
      path: copy,
      format,
      notes: [`${path}: copied to a file once, which trials of this workload read`],
    }
  }

  private async topic(
    { path, rows, dialect }: BrokerFile,
    copy: string,
    qos: QualityOfService,
    waitS: number,
  ): Promise<Readied> {
    const { collectTopic } = await import('./mqtt.ts')
    const hasHeader = dialect?.header !== false
    const collected = await collectTopic(path, copy, { qos, waitS, rows, hasHeader })
    const format = collected.json ? 'ndjson' : 'csv'
    return { path: copy, format, notes: [`${path}: ${collectedWords(collected, qos, waitS)}`] }
  }
}

const PART_BYTES = 256 * 1024

async function* parts(path: string): AsyncGenerator<Buffer> {
  const source = openSource(path)
  try {
    for (;;) {
      const part = Buffer.allocUnsafe(PART_BYTES)
      const count = await source.read(part, 0)
      if (count === 0) return
      yield part.subarray(0, count)
    }
  } finally {
    source.close()
  }
}

function collectedWords(collected: Collected, qos: QualityOfService, waitS: number): string {
  const { events, lost, duplicates, late, endedBy } = collected
  const losses =
    lost === null || duplicates === null
      ? 'its publisher does not number events, so losses and duplicates are not known'
      : `${lost} lost, ${duplicates} duplicates left out${late === 0 ? '' : `, ${late} came after a later one`}`
  const end = {
    publisher: 'the publisher announced the end',
    count: 'as many as were asked for',
    silence: `nothing more came for ${waitS} s`,
  }[endedBy]
  return `${events} messages at QoS ${qos}, ${losses}; ${end}`
}
