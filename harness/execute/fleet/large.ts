/**
 * Results too large for a message: an agent leaves one in parts, each below a name that nothing else ever has, and a
 * message says where they are. Agents cannot read what they leave, so that none can read what others did.
 */
import { createHash } from 'node:crypto'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { type NatsConnection, nuid } from '@nats-io/transport-node'
import { z } from 'zod'
import { HASH, LARGE, MOST_BYTES, mostBytes, type Publisher, pause, subjects } from './messages.ts'

const PART_BYTES = 128 * 1024
const MOST_PARTS = 4096
/** A part may take so long over a slow link, ms. */
const PART_MS = 20_000
/** How often an agent tries to leave a part before it begins anew. */
const TRIES = 3
const RETRY_MS = 500

const pointer = z.strictObject({
  format: z.literal(1),
  /** Its own name. */
  large: z.string().regex(/^[A-Za-z0-9]{1,40}$/),
  /** Numbers of the parts in the stream, in order. */
  parts: z.array(z.int().positive()).min(1).max(MOST_PARTS),
  sha256: z.string().regex(HASH),
})
export type Pointer = z.infer<typeof pointer>

/** Whose it is: a run's, from an agent. */
export interface Place {
  run: string
  agent: string
}

/** @throws where the server does not take all of it */
export async function leaveLarge(
  { nc, publisher }: { nc: NatsConnection; publisher: Publisher },
  { run, agent }: Place,
  payload: Uint8Array,
): Promise<Pointer> {
  const large = nuid.next()
  const subject = subjects.large(run, agent, large)
  const size = Math.min(PART_BYTES, mostBytes(nc))
  const parts: number[] = []
  for (let from = 0; from < payload.length; from += size)
    parts.push(await leavePart(publisher, subject, payload.subarray(from, from + size), parts.length))
  const sha256 = createHash('sha256').update(payload).digest('hex')
  return { format: 1, large, parts, sha256 }
}

/** Taken once, whatever answers were lost. */
async function leavePart(
  publisher: Publisher,
  subject: string,
  part: Uint8Array,
  index: number,
): Promise<number> {
  const options = { msgID: `${subject}/${index}`, timeoutMs: PART_MS }
  for (let left = TRIES; ; left--) {
    const done = await publisher.publish(subject, part, options).catch((error: Error) => error)
    if (!(done instanceof Error)) return done
    if (left === 1) throw done
    await pause(RETRY_MS)
  }
}

/** Null where a message holds all of its content. */
export function pointerIn(sent: Record<string, unknown>): Pointer | null {
  return sent['large'] === undefined ? null : pointer.parse(sent)
}

/**
 * Again and again while the server or the link is away.
 * @throws where the server has it no more as it was left there
 */
export async function fetchLarge(
  nc: NatsConnection,
  { run, agent }: Place,
  { large, parts, sha256 }: Pointer,
): Promise<Uint8Array> {
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: PART_MS })
  const subject = subjects.large(run, agent, large)
  const found: Uint8Array[] = []
  let bytes = 0
  for (const seq of parts) {
    const part = await fetchPart(nc, jsm, subject, seq)
    bytes += part.length
    if (bytes > MOST_BYTES) throw new Error(`it has more than ${MOST_BYTES} bytes`)
    found.push(part)
  }
  const whole = Buffer.concat(found)
  if (createHash('sha256').update(whole).digest('hex') !== sha256)
    throw new Error('its content is not what the agent left at the server')
  return whole
}

async function fetchPart(
  nc: NatsConnection,
  jsm: JetStreamManager,
  subject: string,
  seq: number,
): Promise<Uint8Array> {
  for (;;) {
    const part = await jsm.direct.getMessage(LARGE, { seq }).catch((error: Error) => error)
    if (part === null || (!(part instanceof Error) && part.subject !== subject))
      throw new Error('the server has lost its content, or a part of that')
    if (!(part instanceof Error)) return part.data
    if (nc.isClosed()) throw part
    await pause(RETRY_MS)
  }
}
