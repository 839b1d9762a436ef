/**
 * What coordinator, agents and watchers say to each other over NATS: names of streams and subjects, the shapes of
 * messages, and the little that both ends do with them.
 */
import { promisify } from 'node:util'
import { gunzip, gzipSync } from 'node:zlib'
import {
  AckPolicy,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { Objm } from '@nats-io/obj'
import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/transport-node'
import type { DuetReport, DuetSpec } from '../../../workers/protocol/duet.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import type { TrialSpec } from '../../../workers/protocol/trial-spec.ts'
import type { RelativeTo } from '../../sweep/types.ts'
import { UserError } from '../../user-error.ts'

// ---------------------------------------------------------------- names

/** Work that waits or is under way; a message leaves it once it was acknowledged. */
export const WORK = 'STINT_WORK'
/** Results that no coordinator has taken yet. */
export const RESULTS = 'STINT_RESULTS'
/** Who is there: a key per agent process, gone soon after its last beat. */
export const AGENTS = 'stint_agents'
/** Which coordinator has a run, and how far it is. */
export const RUNS = 'stint_runs'
/** Which trial of a round under way was begun last, and how often an agent went away in it. */
export const CLAIMS = 'stint_claims'
/** Data and code, by hash. */
export const DATA = 'stint_data'
/** Results too large for a message, in parts: agents add to it and read nothing. */
export const LARGE = 'STINT_LARGE'

export const subjects = {
  work: (label: string, run: string, key: string) => `stint.work.${label}.${run}.${key}`,
  workOf: (label: string) => `stint.work.${label}.>`,
  workOfRun: (run: string) => `stint.work.*.${run}.>`,
  consumer: (label: string) => `label-${label}`,
  results: (run: string, key: string, agent: string) => `stint.results.${run}.${key}.${agent}`,
  resultsOf: (run: string) => `stint.results.${run}.>`,
  resultsConsumer: (run: string) => `run-${run}`,
  large: (run: string, agent: string, id: string) => `stint.large.${run}.${agent}.${id}`,
  largeOf: (run: string) => `stint.large.${run}.>`,
  /** The coordinator's word to whoever watches, kept by nobody. */
  events: (run: string) => `stint.events.${run}`,
  /** An agent's word of the trial that it begins. */
  claim: (run: string, key: string) => `$KV.${CLAIMS}.${run}.${key}`,
  claimsOf: (run: string) => `$KV.${CLAIMS}.${run}.*`,
  /** The coordinator's word to the agents that work on its run. */
  cancel: (run: string) => `stint.control.cancel.${run}`,
  cancelAny: 'stint.control.cancel.*',
  /** There is work for a label that had none before. */
  look: 'stint.control.look',
} as const

/** Safe as a part of a subject, a key and a file name. */
export const LABEL = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/
export const LABEL_WORDS = 'at most 64 letters, digits, - and _, a letter or digit first'
/** Of a job: a round and its label. */
export const KEY = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/
export const HASH = /^[0-9a-f]{64}$/

export function dataName(sha256: string): string {
  return `data-${sha256}`
}

export function codeName(sha256: string): string {
  return `code-${sha256}`
}

// ---------------------------------------------------------------- times

/** Without a beat for so long, a round goes to the next agent of its label, ms. */
export const ACK_WAIT_MS = 5000
export const BEAT_MS = 1000
/** An agent whose last word is older is gone, ms. */
export const GONE_MS = 8000
export const REGISTER_MS = 2000
/** A trial in which so many agents went away has crashed. */
export const MOST_DEATHS = 3
/** How long a coordinator waits for the server to take what it sends, ms. */
export const SEND_MS = 5000
const WEEK_MS = 7 * 86_400_000

// ---------------------------------------------------------------- shapes

/** A round's trials on one machine, in their order; or one duet. */
export interface Job {
  format: 1
  stint: string
  run: string
  /** Unique in the run, such as `r003`. */
  key: string
  /** How often it was asked for before, and answered by what could not be read: not as a repetition of that. */
  again: number
  /** Null: compute units are cores of the agent. */
  relative_to: RelativeTo | null
  /** By hash: what the file's name ends in, which says how to read it. */
  endings: Record<string, string>
  work: { kind: 'round'; specs: TrialSpec[] } | { kind: 'duet'; spec: DuetSpec }
}

/** What became of one trial or duet. */
export interface Outcome {
  format: 1
  run: string
  key: string
  /** The trial's or the duet's id. */
  id: string
  /** A `FleetMachine` as JSON: the same text with each result, so that it need be read only once. */
  agent: string
  /** `refused`: the whole job, by this agent. */
  what:
    | { kind: 'trial'; result: TrialResult; chunk_log: string | null }
    | { kind: 'duet'; report: DuetReport }
    | { kind: 'refused'; reason: string }
}

/** How far a run is. */
export interface RunState {
  name: string
  coordinator: { owner: string; machine: string }
  planned: number
  finished: number
  not_ok: number
  done: 'no' | 'finished' | 'interrupted'
}

// ---------------------------------------------------------------- packing

const unzip = promisify(gunzip)
/** A message that unpacks to more is refused, bytes. */
export const MOST_BYTES = 256 * 1024 * 1024

/** What is smaller, such as a result without a chunk log, is not worth the time that compressing takes. */
const SMALL_BYTES = 8 * 1024
const OPENS_JSON = '{'.charCodeAt(0)

/** JSON of an object, compressed where it is long. */
export function pack(value: object): Uint8Array {
  return packText(JSON.stringify(value))
}

/** `pack` of what is JSON already. */
export function packText(json: string): Uint8Array {
  const text = Buffer.from(json)
  return text.length < SMALL_BYTES ? text : gzipSync(text, { level: 1 })
}

/** @throws where it is not what `pack` made, or unpacks to too much */
export async function unpack(bytes: Uint8Array): Promise<unknown> {
  const value = opened(bytes) ?? opened(await unzip(bytes, { maxOutputLength: MOST_BYTES }))
  if (value === null) throw new Error('it is no object')
  return value
}

/**
 * What `unpack` gives, at once; null where the bytes are compressed.
 * @throws where they are no JSON
 */
export function opened(bytes: Uint8Array): Record<string, unknown> | null {
  if (bytes[0] !== OPENS_JSON) return null
  const { buffer, byteOffset, length } = bytes
  return JSON.parse(Buffer.from(buffer, byteOffset, length).toString()) as Record<string, unknown>
}

// ---------------------------------------------------------------- what stands on the server

/**
 * Makes what is missing on the server; only a coordinator may.
 * @throws {UserError} where the server has no JetStream, or does not let this user
 */
export async function setUp(nc: NatsConnection): Promise<JetStreamManager> {
  try {
    const jsm = await jetstreamManager(nc)
    const file = { storage: StorageType.File }
    await ensure(jsm, {
      ...file,
      name: WORK,
      subjects: ['stint.work.>'],
      retention: RetentionPolicy.Workqueue,
      max_age: nanos(WEEK_MS),
    })
    await ensure(jsm, {
      ...file,
      name: RESULTS,
      subjects: ['stint.results.>'],
      retention: RetentionPolicy.Workqueue,
      max_age: nanos(WEEK_MS),
    })
    await ensure(jsm, {
      ...file,
      name: LARGE,
      subjects: ['stint.large.>'],
      max_age: nanos(WEEK_MS),
      allow_direct: true,
    })
    await ensure(jsm, { ...file, ...bucket(AGENTS), max_age: nanos(GONE_MS) })
    await ensure(jsm, { ...file, ...bucket(CLAIMS), max_age: nanos(WEEK_MS) })
    await new Kvm(nc).create(RUNS, { history: 1, ttl: WEEK_MS })
    await new Objm(nc).create(DATA, {})
    return jsm
  } catch (error) {
    const { message } = error as Error
    throw new UserError(
      `the server cannot be used for a fleet: ${message}`,
      'it needs JetStream (nats-server -js), and a user who may set it up; docs/guides/fleet.md has a configuration',
    )
  }
}

/** As the client makes one, but for what lets one message take the place of all others: agents write to these. */
function bucket(name: string) {
  const subject = `$KV.${name}.>`
  return { name: `KV_${name}`, subjects: [subject], max_msgs_per_subject: 1, allow_direct: true }
}

async function ensure(
  jsm: JetStreamManager,
  config: Parameters<JetStreamManager['streams']['add']>[0],
): Promise<void> {
  const there = await jsm.streams.info(config.name!).catch(() => null)
  if (there === null) await jsm.streams.add(config)
}

/** A label's consumer is what its agents pull from. */
export async function ensureLabel(nc: NatsConnection, jsm: JetStreamManager, label: string): Promise<void> {
  const durable_name = subjects.consumer(label)
  const there = await jsm.consumers.info(WORK, durable_name).catch(() => null)
  if (there !== null) return
  await jsm.consumers.add(WORK, {
    durable_name,
    filter_subject: subjects.workOf(label),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: 100_000,
    max_deliver: -1,
  })
  nc.publish(subjects.look)
}

export function nanos(ms: number): number {
  return ms * 1e6
}

// ---------------------------------------------------------------- taking messages

/** A message of a stream that was taken and is still to be answered for. */
export interface Taken {
  subject: string
  data: Uint8Array
  /** From 1. */
  delivery: number
  ack(): void
  /** Not yet. */
  beat(): void
  /** To somebody else, now. */
  giveBack(): void
  /** To nobody. */
  drop(): void
}

function taken(nc: NatsConnection, { subject, data, reply = '' }: Msg): Taken {
  // $JS.ACK.<stream>.<consumer>.<delivered>... or, with a domain, $JS.ACK.<domain>.<account>.<stream>.<consumer>...
  const tokens = reply.split('.')
  const delivery = Number(tokens[tokens.length > 9 ? 6 : 4] ?? 1)
  // While the link is down nothing can be said; the server then gives the message to another.
  const say = (what: string) => {
    if (!nc.isClosed()) nc.publish(reply, what)
  }
  return {
    subject,
    data,
    delivery,
    ack: () => say('+ACK'),
    beat: () => say('+WPI'),
    giveBack: () => say('-NAK'),
    drop: () => say('+TERM'),
  }
}

/** Headers are looked at last: what reads them is slow, and a message with content is no status. */
export const isStatus = (message: Msg) =>
  message.data.length === 0 && !message.reply?.startsWith('$JS.ACK') && (message.headers?.code ?? 0) > 0

/** Beyond what a pull waits at the server, for the way there and back, ms. */
const LINK_MS = 2500

/**
 * The next message of a consumer: null where none came or `signal` was aborted, `no consumer` where there is none yet.
 * @param inbox before the subject of the answer
 */
export function pullOne(
  nc: NatsConnection,
  inbox: string,
  from: { stream: string; consumer: string },
  { waitMs, signal }: { waitMs: number; signal: AbortSignal },
): Promise<Taken | null | 'no consumer'> {
  return new Promise((resolve) => {
    if (signal.aborted || nc.isClosed()) return resolve(null)
    const reply = createInbox(inbox)
    const end = (found: Taken | null | 'no consumer') => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      if (!nc.isClosed()) subscription.unsubscribe()
      resolve(found)
    }
    // The server gives nothing to who listens no more.
    const stop = () => end(null)
    signal.addEventListener('abort', stop, { once: true })
    const timer = setTimeout(stop, waitMs + LINK_MS)
    const subscription = nc.subscribe(reply, {
      callback: (error, message) => {
        if (error !== null) return end(null)
        if (!isStatus(message)) return end(taken(nc, message))
        const { code } = message.headers!
        // 100 is a sign of life; nobody answers (503), or there is none of that name (404), where no consumer was made.
        if (code !== 100) end(code === 503 || code === 404 ? 'no consumer' : null)
      },
    })
    nc.publish(nextOf(from), JSON.stringify({ batch: 1, expires: nanos(waitMs) }), { reply })
  })
}

function nextOf({ stream, consumer }: { stream: string; consumer: string }): string {
  return `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`
}

const BATCH = 500
const PULL_MS = 2000

/**
 * Hands over every message of a consumer as it comes, across reconnects.
 * @returns a function that ends it
 */
export function pullAll(
  nc: NatsConnection,
  inboxPrefix: string,
  from: { stream: string; consumer: string },
  take: (message: Taken) => void,
): () => void {
  const inbox = createInbox(inboxPrefix)
  let left = 0
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const ask = () => {
    clearTimeout(timer)
    if (ended || nc.isClosed()) return
    left = BATCH
    nc.publish(nextOf(from), JSON.stringify({ batch: BATCH, expires: nanos(PULL_MS) }), { reply: inbox })
    // What was asked for is lost where the link was cut meanwhile.
    timer = setTimeout(ask, PULL_MS + LINK_MS)
  }
  const subscription = nc.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null || ended) return
      if (isStatus(message)) {
        // 408: the pull is over. 100: a sign of life. Others, such as a consumer that is gone, must not be asked at once.
        if (message.headers!.code === 408) ask()
        return
      }
      take(taken(nc, message))
      if (--left === 0) ask()
    },
  })
  ask()
  return () => {
    ended = true
    clearTimeout(timer)
    if (!nc.isClosed()) subscription.unsubscribe()
  }
}

// ---------------------------------------------------------------- leaving messages

/** Of a message, beside its payload. */
const OVERHEAD_BYTES = 4096

/** What a message may hold, bytes. */
export function mostBytes(nc: NatsConnection): number {
  return (nc.info?.max_payload ?? 1 << 20) - OVERHEAD_BYTES
}

export interface Publishing {
  /** The server takes a message of the same id once, for two minutes. */
  msgID?: string
  /** Deletes the key that the subject names instead. */
  isDelete?: boolean
  /** How long to wait for the server's word. */
  timeoutMs: number
}

interface Acknowledged {
  seq?: number
  error?: { description?: string }
}

/**
 * Leaves messages in streams and waits until the server has them. The client's own way makes two errors, with their
 * stacks, for each message in case it needs them, which takes longer than all else.
 */
export class Publisher {
  private readonly nc: NatsConnection
  private readonly inbox: string
  private readonly waiting = new Map<string, (answer: Msg | null) => void>()
  private last = 0

  /** @param inbox before the subject of the answers */
  constructor(nc: NatsConnection, inbox: string) {
    this.nc = nc
    this.inbox = createInbox(inbox)
    nc.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.waiting.get(message.subject.slice(this.inbox.length + 1))?.(message)
      },
    })
  }

  /**
   * @returns the number that the message has in its stream
   * @throws where the server has not said in time that it has the message, with its words where it said why not
   */
  async publish(subject: string, payload: Uint8Array | string, options: Publishing): Promise<number> {
    const { msgID, isDelete = false, timeoutMs } = options
    const token = (++this.last).toString(36)
    const marks = msgID === undefined && !isDelete ? undefined : headers()
    if (msgID !== undefined) marks?.set('Nats-Msg-Id', msgID)
    if (isDelete) marks?.set('KV-Operation', 'DEL')
    const answer = await new Promise<Msg | null>((resolve, reject) => {
      const timer = setTimeout(() => end(null), timeoutMs)
      const end = (message: Msg | null) => {
        clearTimeout(timer)
        this.waiting.delete(token)
        resolve(message)
      }
      this.waiting.set(token, end)
      try {
        const reply = `${this.inbox}.${token}`
        this.nc.publish(subject, payload, { reply, ...(marks !== undefined && { headers: marks }) })
      } catch (error) {
        end(null)
        reject(error as Error)
      }
    })
    if (answer === null) throw new Error('the server does not answer')
    if (isStatus(answer)) throw new Error('no stream at the server takes it')
    const { error, seq = 0 } = JSON.parse(answer.string()) as Acknowledged
    if (error !== undefined) throw new Error(error.description ?? 'the server refuses it')
    return seq
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A pause that ends at once where `signal` is aborted. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
