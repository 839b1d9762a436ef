/** What is too large for a message, in the server's object stores: who fetches it never waits for what does not come. */
import { jetstreamManager } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import type { NatsConnection } from '@nats-io/transport-node'

/**
 * Without a part for so long the rest does not come any more, ms: the client waits for ever where the last parts were
 * lost with the link, or with a server that was restarted.
 */
const STALLED_MS = 20_000

/**
 * Whether the server has an object with all of its parts: some may be lost, as by a power cut. Only a coordinator may ask.
 * @throws where the server does not answer
 */
export async function hasWhole(nc: NatsConnection, bucket: string, name: string): Promise<boolean> {
  const there = await (await new Objm(nc).open(bucket)).info(name)
  if (there === null || there.deleted) return false
  const jsm = await jetstreamManager(nc, { checkAPI: false })
  const parts = `$O.${bucket}.C.${there.nuid}`
  const { state } = await jsm.streams.info(`OBJ_${bucket}`, { subjects_filter: parts })
  return (state.subjects?.[parts] ?? 0) === there.chunks
}

const DAY_MS = 86_400_000

/**
 * Removes parts that belong to no object: of what was on its way when its sender or the server was killed. Nobody else
 * would. By the server's clock only.
 * @param ageMs how much older than the newest part they are at least, since others may be on their way
 * @throws where the server does not answer
 */
export async function removeRemains(nc: NatsConnection, bucket: string, ageMs = DAY_MS): Promise<void> {
  const jsm = await jetstreamManager(nc, { checkAPI: false })
  const stream = `OBJ_${bucket}`
  const { state } = await jsm.streams.info(stream, { subjects_filter: `$O.${bucket}.C.*` })
  // After the parts: what came whole meanwhile is among them.
  const objects = await (await new Objm(nc).open(bucket)).list()
  const whole = new Set(objects.map(({ nuid }) => `$O.${bucket}.C.${nuid}`))
  for (const parts of Object.keys(state.subjects ?? {})) {
    if (whole.has(parts)) continue
    const last = await jsm.streams.getMessage(stream, { last_by_subj: parts })
    if (last === null || Date.parse(state.last_ts) - last.time.getTime() < ageMs) continue
    await jsm.streams.purge(stream, { filter: parts })
  }
}

/**
 * An object as it comes; null where there is none of that name.
 * @throws where the server does not answer; the parts end so as well where no more of them come
 */
export async function fetchObject(
  nc: NatsConnection,
  bucket: string,
  name: string,
): Promise<AsyncIterable<Uint8Array> | null> {
  const store = await new Objm(nc).open(bucket, false)
  const found = await store.get(name)
  if (found === null) return null
  // The parts end with it as well, and without a listener it would end the process.
  found.error.catch(() => {})
  return partsOf(found.data, name)
}

export async function fetchWhole(nc: NatsConnection, bucket: string, name: string): Promise<Buffer | null> {
  const parts = await fetchObject(nc, bucket, name)
  if (parts === null) return null
  const found: Uint8Array[] = []
  for await (const part of parts) found.push(part)
  return Buffer.concat(found)
}

async function* partsOf(data: ReadableStream<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const reader = data.getReader()
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), () => `${name}: no more came after ${bytes} bytes`)
      if (done) return
      bytes += value.length
      yield value
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

async function inTime<T>(work: Promise<T>, late: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(late())), STALLED_MS).unref()
  })
  try {
    return await Promise.race([work, stalled])
  } finally {
    clearTimeout(timer)
  }
}
