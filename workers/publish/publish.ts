/** Sends a data set as events on an arrival clock, and says how well it kept to it. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { brokerAddress } from '../brokers/address.ts'
import { arrivalsOf } from '../drive/arrivals.ts'
import type { PublishReport, PublishSpec } from '../protocol.ts'
import { monotonicMs } from '../telemetry/clock.ts'
import { openRecords } from './records.ts'

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
  const records = await openRecords(spec.data)
  const outlet =
    brokerAddress(to).protocol === 'nats'
      ? await (await import('./to-nats.ts')).natsOutlet(to)
      : await (await import('./to-mqtt.ts')).mqttOutlet(to, spec.qos)
  try {
    const arrivals = arrivalsOf(arrival, seed)
    const times = new Float64Array(BLOCK)
    let drawn = 0
    let next = 0
    const lateness = new Lateness()
    const nap = new Int32Array(new SharedArrayBuffer(4))
    let sequence = 0
    // The header has no time of its own: it goes ahead of the first row.
    if (records.hasHeader) {
      const header = await records.next()
      if (header !== null) {
        outlet.send(header, sequence, Date.now())
        sequence += 1
      }
    }
    const begun = monotonicMs()
    const begunWall = performance.timeOrigin + performance.now()
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
        outlet.send(payload, sequence, begunWall + times[next]!)
        last = times[next]!
        next += 1
        sequence += 1
        sent += 1
        payload = records.ready() ?? (await records.next())
        if (sent % MOST_AT_ONCE === 0) await turn()
      }
    }
    const tookS = (monotonicMs() - begun) / 1000
    await outlet.finish(sequence)
    const offered = last > 0 ? (sent - 1) / (last / 1000) : null
    return {
      to,
      events: sent,
      acknowledged: outlet.acknowledged,
      seconds: tookS,
      offered_rows_s: offered,
      achieved_rows_s: sent > 1 && tookS > 0 ? (sent - 1) / tookS : null,
      lateness_ms: lateness.summary(),
      reconnections: outlet.reconnections,
      out_of_order: outlet.outOfOrder,
    }
  } finally {
    records.close()
    await outlet.close()
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
