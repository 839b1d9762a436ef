/** Sends a data set as events on an arrival clock, and says how well it kept to it. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { brokerAddress } from '../brokers/address.ts'
import { DataError } from '../data/columns.ts'
import { inferColumn } from '../data/infer.ts'
import { decimalMark } from '../data/number-writing.ts'
import { profileFile } from '../data/profile-file.ts'
import { readResolved } from '../data/resolve-dialect.ts'
import type { UntypedDataset } from '../data/schema.ts'
import { type Arrivals, arrivalsOf } from '../drive/arrivals.ts'
import { recordTrace } from '../drive/trace.ts'
import type { PublishReport, PublishSpec } from '../protocol/publish.ts'
import { monotonicMs } from '../telemetry/clock.ts'
import type { Outlet } from './outlet.ts'
import { type DataToSend, openRecords, type Records } from './records.ts'

const BLOCK = 1_024
/** Events sent before others get their turn. */
const MOST_AT_ONCE = 256
/** Shorter waits are slept through whole: a timer of Node has a grain of 1 ms. */
const TIMER_MS = 3
const NAP_MS = 1
/** How long an outlet may not be ready, ms. */
const STUCK_MS = 30_000

/**
 * @throws {BrokerError} where the broker is not there, refuses, or is gone for too long
 * @throws {DataError} where the data cannot be read
 */
export async function publish(spec: PublishSpec, signal?: AbortSignal): Promise<PublishReport> {
  const { to, arrival, seed, rows } = spec
  const trace = arrival.pattern === 'trace' ? await traceOf(spec.data, arrival.column) : null
  const records = await openRecords(spec.data)
  const outlet =
    brokerAddress(to).protocol === 'nats'
      ? await (await import('./to-nats.ts')).natsOutlet(to)
      : await (await import('./to-mqtt.ts')).mqttOutlet(to, spec.qos)
  try {
    // The header has no time of its own: it goes ahead of the first row.
    const header = records.hasHeader ? await records.next() : null
    if (header !== null) outlet.send(header, 0, Date.now())
    const first = header === null ? 0 : 1
    const begun = monotonicMs()
    const sent = await sendRows(
      records,
      outlet,
      arrivalsOf(arrival, seed, trace?.() ?? null),
      { to, first, begun, rows },
      signal,
    )
    await outlet.finish(first + sent.events)
    const { acknowledged, reconnections, outOfOrder } = outlet
    return { to, ...sent, acknowledged, reconnections, out_of_order: outOfOrder }
  } finally {
    records.close()
    await outlet.close()
  }
}

/**
 * The times in a column, read before the first event goes out.
 * @throws {DataError} where there is no such column, or it holds no times in order
 */
async function traceOf(data: DataToSend, column: string): Promise<() => Arrivals> {
  const asked: Omit<UntypedDataset, 'schema'> = { ...data, preset: null, target: null, columns: {} }
  return await readResolved(asked, async ({ dataset }) => {
    const { header, profiles, fingerprint } = await profileFile(dataset)
    const profile = profiles.get(column)
    if (profile === undefined)
      throw new DataError(
        `there is no column "${column}" to take times from; the data has ${header.join(', ')}`,
        data.path,
        1,
      )
    const { dialect = {} } = dataset
    const decimal = dialect.decimal ?? decimalMark(profiles.values(), dialect.separator ?? ',')
    const { declaration } = inferColumn(profile, undefined, decimal)
    if (declaration.kind !== 'date' && declaration.kind !== 'number')
      throw new DataError('expected dates or numbers of seconds to take times from', data.path, 1, column)
    const { rows } = fingerprint
    const found = { fingerprint, rows, schema: { [column]: declaration }, ceiling_r2: null }
    return await recordTrace({ ...dataset, ...found }, column)
  })
}

interface Sending {
  /** For messages. */
  to: string
  /** Number of the first row. */
  first: number
  /** Start of the arrivals' clock on the machine's monotonic one, ms. */
  begun: number
  /** Only the first so many; null for all. */
  rows: number | null
}

type Sent = Pick<PublishReport, 'events' | 'seconds' | 'offered_rows_s' | 'achieved_rows_s' | 'lateness_ms'>

/** Sends each row at its time, or as soon after as can be. */
export async function sendRows(
  records: Records,
  outlet: Pick<Outlet, 'ready' | 'send' | 'failure'>,
  arrivals: Arrivals,
  { to, first, begun, rows }: Sending,
  signal?: AbortSignal,
): Promise<Sent> {
  const times = new Float64Array(BLOCK)
  let drawn = 0
  let next = 0
  const lateness = new Lateness()
  const nap = new Int32Array(new SharedArrayBuffer(4))
  const toWall = performance.timeOrigin + performance.now() - monotonicMs()
  let sent = 0
  let last = 0
  let stuckSince: number | null = null
  let payload = await records.next()
  while (payload !== null && (rows === null || sent < rows)) {
    signal?.throwIfAborted()
    if (outlet.failure !== null) throw outlet.failure
    if (next === drawn) {
      drawn = arrivals.draw(times)
      next = 0
      if (drawn === 0) break
    }
    const now = monotonicMs() - begun
    const wait = times[next]! - now
    if (!outlet.ready) {
      stuckSince ??= now
      if (now - stuckSince > STUCK_MS) throw new Error(`${to}: took no event for ${STUCK_MS / 1000} s`)
      await (now - stuckSince > TIMER_MS ? sleep(1) : turn())
      continue
    }
    stuckSince = null
    if (wait > TIMER_MS) await sleep(wait - TIMER_MS / 2)
    else if (wait > 0) {
      // Lets out what was sent before this thread sleeps.
      await turn()
      const rest = times[next]! - (monotonicMs() - begun)
      if (rest > 0) Atomics.wait(nap, 0, 0, Math.min(rest, NAP_MS))
    } else {
      lateness.add(-wait)
      last = times[next]!
      outlet.send(payload, first + sent, begun + last + toWall)
      next += 1
      sent += 1
      payload = records.ready() ?? (await records.next())
      if (sent % MOST_AT_ONCE === 0) await turn()
    }
  }
  const seconds = (monotonicMs() - begun) / 1000
  return {
    events: sent,
    seconds,
    offered_rows_s: last > 0 ? (sent - 1) / (last / 1000) : null,
    achieved_rows_s: sent > 1 && seconds > 0 ? (sent - 1) / seconds : null,
    lateness_ms: lateness.summary(),
  }
}

/** How late events were sent, in classes a hundredth apart. */
class Lateness {
  private readonly counts = new Map<number, number>()
  private events = 0
  private max = 0

  add(ms: number): void {
    const key = Math.round(Math.log(Math.max(ms, LEAST_MS)) * CLASSES)
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
    this.events += 1
    this.max = Math.max(this.max, ms)
  }

  summary(): PublishReport['lateness_ms'] {
    return { p50: this.quantile(0.5), p99: this.quantile(0.99), max: this.events === 0 ? null : this.max }
  }

  private quantile(share: number): number | null {
    let left = Math.ceil(share * this.events)
    for (const [key, count] of [...this.counts].sort(([a], [b]) => a - b)) {
      left -= count
      if (left <= 0) return Math.min(this.max, Math.exp(key / CLASSES))
    }
    return null
  }
}

const LEAST_MS = 0.001
const CLASSES = 100
