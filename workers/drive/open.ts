/**
 * The open loop: events arrive on their own clock, and a step takes what has arrived. Arrivals never move, so that an
 * event which waits for a late workload is late by that much (no coordinated omission).
 */
import type { OpenLoopSpec } from '../protocol/trial-spec.ts'
import { sleep, threadMs } from '../telemetry/clock.ts'
import { LatencyHistogram } from '../telemetry/histogram.ts'
import { wakeOnTime } from '../telemetry/process-files.ts'
import { WorkloadError } from '../untrusted.ts'
import type { Offer } from '../workload.ts'
import { type Arrivals, arrivalsOf } from './arrivals.ts'
import { Backlog } from './backlog.ts'
import type { Driver, Next, TimedStep, Waiting } from './driver.ts'

/** Time as a driver needs it; a test has its own. */
export interface Clock {
  /** Ms. */
  now(): number
  /** Returns at that time or a little later; may return early. A promise where the event loop turned meanwhile. */
  waitUntil(ms: number): void | Promise<void>
}

interface OpenLoopOptions {
  spec: OpenLoopSpec
  /** The most rows of a step. */
  chunkSize: number
  /** Events that the data has; null where that is not known. */
  rows: number | null
  /** Of the pattern `trace`: the recorded times, from the first of them at each call. */
  trace?: (() => Arrivals) | null
  clock?: Clock
}

/** What became of the events of one trial: `arrived` = `answered` + `shed` + `waiting`. */
export interface OpenLoopResult {
  arrived: number
  answered: number
  shed: number
  /** Arrived and neither answered nor shed at the end. */
  waiting: number
  /** Handled in steps that were not to learn. */
  untrained: number
  /** Answered within the deadline; null without one. */
  inTime: number | null
  /** From arrival to answer, of answered events, ms. */
  latency: LatencyHistogram
  latencyMean: number | null
  /** From arrival to the start of the step, of handled events, ms. */
  waitMean: number | null
  /** Events per second that arrived, over the time in which they did; null where that is not known. */
  offered: number | null
  /** Events per second that were answered, from the start of the clock to the end; null where nothing was. */
  achieved: number | null
  backlog: Backlog
  /** Nothing was shed, and the backlog did not grow; null where that cannot be told. */
  sustained: boolean | null
}

/** Times drawn at once: 10 us of work. */
const BLOCK = 512
/** How long what has arrived is still handled after the last arrival of a trial without a deadline, ms. */
const DRAIN_MS = 1000

export class OpenLoop implements Driver {
  readonly waits = true
  follows = false
  readonly waiting: Waiting = { rows: 0, since: 0 }
  private readonly spec: OpenLoopSpec
  private readonly chunkSize: number
  private readonly clock: Clock
  private readonly schedule: Schedule
  /** Null where labels come with events. */
  private readonly labels: LabelClock | null
  /** Under `drop_newest` only. */
  private readonly door: Door | null
  private readonly offer: Offer = { rows: 0, train: true }
  /** Start of the clock. */
  private zero = Number.NaN
  /** When the last step was served, from the start of the clock. */
  private lastEnd = 0
  /** Events that were handled or given up: the number of the next one. */
  private taken = 0
  private arrived = 0
  private shed = 0
  private handled = 0
  private untrained = 0
  /** Waiting events when the last had arrived; null before. */
  private leftOver: number | null = null
  /** Arrivals of events that were handled and not answered yet. */
  private readonly held = new Times()
  private readonly latency = new LatencyHistogram()
  private latencySum = 0
  private waitSum = 0
  private inTime = 0
  private readonly backlog = new Backlog()

  constructor({ spec, chunkSize, rows, trace = null, clock = threadClock() }: OpenLoopOptions) {
    this.spec = spec
    this.chunkSize = chunkSize
    this.clock = clock
    const draw = () => arrivalsOf(spec.arrival, spec.seed, trace?.())
    const endMs = spec.duration_s === null ? Number.POSITIVE_INFINITY : spec.duration_s * 1000
    this.schedule = new Schedule(draw(), endMs, rows ?? Number.POSITIVE_INFINITY)
    this.labels = spec.label_delay_ms > 0 ? new LabelClock(draw(), spec.label_delay_ms) : null
    this.door = spec.queue.when_full === 'drop_newest' ? new Door(this.limit) : null
  }

  get bytes(): number {
    return this.schedule.bytes + this.held.bytes + this.latency.bytes + this.backlog.bytes
  }

  next(): Next | Promise<Next> {
    if (Number.isNaN(this.zero)) this.zero = this.clock.now()
    for (;;) {
      const now = this.look()
      const skip = this.toShed()
      if (skip > 0) return { skip }
      const start = this.startOf()
      if (start === null || now >= this.cutOff) return null
      if (start <= now) return this.offerAt(now)
      this.follows = false
      const turned = this.clock.waitUntil(this.zero + start)
      if (turned !== undefined) return turned.then(() => this.next())
    }
  }

  /** @throws {WorkloadError} where it handled more rows than it was offered, or answered more than it took */
  ended(step: TimedStep | null): void {
    if (step === null) {
      // What would come after the end of the data never was.
      this.schedule.length = this.taken
      this.arrived = this.taken
      this.door?.clear()
      return
    }
    const { rows, answered } = step
    if (rows > this.offer.rows) {
      throw new WorkloadError(
        `step() handled ${rows} rows and was offered ${this.offer.rows}: in mode: realtime a step takes at most offer.rows`,
      )
    }
    const start = step.start - this.zero
    const served = step.served - this.zero
    const isAtOnce = answered === rows && this.held.length === 0
    const { times } = this.schedule
    const end = this.taken + rows
    this.waitSum = addWaits(this.waitSum, times, this.taken, end, start)
    if (isAtOnce) this.answer(times, this.taken, end, served)
    else {
      for (let event = this.taken; event < end; event++) this.held.push(times.at(event))
      this.answerHeld(answered, served)
    }
    this.lastEnd = served
    this.follows = true
    this.handled += rows
    if (!this.offer.train) this.untrained += rows
    this.door?.took(rows)
    this.take(rows)
  }

  skipped(rows: number): void {
    this.shed += rows
    this.door?.skipped(rows)
    this.take(rows)
  }

  result(): OpenLoopResult {
    const answered = this.handled - this.held.length
    const seconds = this.arrivalSeconds()
    const shed = this.shed + (this.door?.turnedAway ?? 0)
    const elapsed = Math.max(this.lastEnd, this.schedule.endedByTime ? this.schedule.endMs : 0)
    const left = this.leftOver ?? this.waitingRows()
    const grew = shed > 0 ? true : seconds === null ? null : this.backlog.grew(this.arrived, seconds, left)
    return {
      arrived: this.arrived,
      answered,
      shed,
      waiting: this.waitingRows() + this.held.length,
      untrained: this.untrained,
      inTime: this.spec.deadline_ms === null ? null : this.inTime,
      latency: this.latency,
      latencyMean: answered > 0 ? this.latencySum / answered : null,
      waitMean: this.handled > 0 ? this.waitSum / this.handled : null,
      offered: seconds === null ? null : this.arrived / seconds,
      achieved: answered > 0 && elapsed > 0 ? (answered * 1000) / elapsed : null,
      backlog: this.backlog,
      sustained: grew === null ? null : !grew,
    }
  }

  // ---------------------------------------------------------------- what has arrived

  /** Lets in what has arrived by now. @returns ms from the start of the clock */
  private look(): number {
    const now = this.clock.now() - this.zero
    const { schedule, door } = this
    if (door === null) this.arrived = schedule.firstAfter(now, this.arrived)
    else while (schedule.at(this.arrived) <= now) door.arrive(this.arrived++)
    if (this.leftOver === null && schedule.at(this.arrived) === Number.POSITIVE_INFINITY)
      this.leftOver = this.waitingRows()
    return now
  }

  private get limit(): number {
    return this.spec.queue.limit_rows ?? Number.POSITIVE_INFINITY
  }

  private waitingRows(): number {
    return this.door === null ? this.arrived - this.taken : this.door.waiting
  }

  /** Events that are to be given up before the next step. */
  private toShed(): number {
    if (this.door !== null) return this.door.atFront(this.taken)
    if (this.spec.queue.when_full !== 'drop_oldest') return 0
    return Math.max(0, this.waitingRows() - this.limit)
  }

  /** When the next step may start, from the start of the clock; null where no event is to come. */
  private startOf(): number | null {
    const { schedule, arrived } = this
    const waiting = this.waitingRows()
    const next = schedule.at(arrived)
    if (next === Number.POSITIVE_INFINITY) return waiting === 0 ? null : 0
    const first = waiting === 0 ? next : schedule.at(this.taken)
    const { max_wait_ms, queue } = this.spec
    if (max_wait_ms === 0) return first
    const drops = queue.when_full === 'drop_oldest' || this.door !== null
    const full = drops ? Math.min(this.chunkSize, this.limit) : this.chunkSize
    if (waiting >= full) return 0
    const latest = first + max_wait_ms
    return Math.min(latest, schedule.atUnlessAfter(arrived + full - waiting - 1, latest))
  }

  /** When what still waits is left waiting: every event that is then too late for its deadline. */
  private get cutOff(): number {
    const { duration_s, deadline_ms } = this.spec
    return duration_s === null ? Number.POSITIVE_INFINITY : duration_s * 1000 + (deadline_ms ?? DRAIN_MS)
  }

  private offerAt(now: number): Offer {
    const rows = this.waitingRows()
    const inOrder = this.door === null ? rows : this.door.inOrder(this.taken, this.arrived)
    this.backlog.add(now, rows)
    this.waiting.rows = rows
    this.waiting.since = this.schedule.at(this.taken)
    this.offer.rows = Math.min(this.chunkSize, inOrder)
    this.offer.train = this.spec.queue.when_full !== 'predict_only' || rows <= this.limit
    if (this.labels !== null) this.offer.labels = Math.min(this.arrived, this.labels.arrivedBy(now))
    return this.offer
  }

  private answerHeld(answered: number, served: number): void {
    const { held } = this
    if (answered > held.length) {
      throw new WorkloadError(
        `step(): answered is ${answered}, and only ${held.length} rows wait for an answer`,
      )
    }
    const end = held.first + answered
    this.answer(held, held.first, end, served)
    held.first = end
  }

  /** @param arrivals of the events from `from` to before `to`, which are answered now */
  private answer(arrivals: Times, from: number, to: number, now: number): void {
    const { batch } = this.latency
    const { values } = arrivals
    const deadline = this.spec.deadline_ms ?? Number.POSITIVE_INFINITY
    let { latencySum } = this
    for (let begin = from; begin < to; ) {
      const at = arrivals.indexOf(begin)
      const length = Math.min(batch.length, to - begin, values.length - at) | 0
      begin += length
      let late = 0
      for (let i = 0; i < length; i++) {
        const latency = now - values[at + i]!
        batch[i] = latency
        latencySum += latency
        if (latency > deadline) late++
      }
      this.inTime += length - late
      this.latency.add(length)
    }
    this.latencySum = latencySum
  }

  private take(rows: number): void {
    this.taken += rows
    this.schedule.forgetBefore(this.taken)
  }

  /** How long events arrived, s; null where that is not known. */
  private arrivalSeconds(): number | null {
    const { schedule, arrived } = this
    if (schedule.endedByTime) return schedule.endMs / 1000
    const span = schedule.lastDrawnBefore(arrived) / 1000
    // The mean gap more than from the first to the last of them.
    return arrived > 1 && span > 0 ? (span * arrived) / (arrived - 1) : null
  }
}

// ---------------------------------------------------------------- time

/** A wait that is longer lets the event loop turn, for what the workload may have to do there. */
const BLOCKING_MS = 50
/** What a timer of the event loop may be late by. */
const TIMER_MS = 2

/** The most that a wait is aimed early by, and how much one wait changes that, ms. */
const MOST_EARLY_MS = 0.1
const EARLY_STEP_MS = 0.002

/**
 * Waits in the kernel, which takes next to no CPU time. A thread is woken some 10 to 100 us late, more on a machine that slept deeper: waits
 * are aimed early by the median of that, as waits so far tell it, and only the rest is spent spinning, some 10 us.
 */
function threadClock(): Clock {
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  let earlyMs = 0
  wakeOnTime()
  return {
    now: threadMs,
    waitUntil(ms) {
      const left = ms - threadMs()
      if (left > BLOCKING_MS) return sleep(left - TIMER_MS)
      if (left > earlyMs) {
        wait(cell, 0, 0, left - earlyMs)
        const lateMs = threadMs() - (ms - earlyMs)
        const nearer = earlyMs + (lateMs > earlyMs ? EARLY_STEP_MS : -EARLY_STEP_MS)
        earlyMs = Math.min(MOST_EARLY_MS, Math.max(0, nearer))
      }
      while (threadMs() < ms);
    },
  }
}

// Taken before a workload can replace it.
const { wait } = Atomics

// ---------------------------------------------------------------- queues of times

/** A queue of numbers, each known by its place from the start. */
class Times {
  values = new Float64Array(2 * BLOCK)
  private mask = 2 * BLOCK - 1
  /** Places of the first that is kept and of the one after the last. */
  first = 0
  end = 0

  get length(): number {
    return this.end - this.first
  }

  get bytes(): number {
    return this.values.byteLength
  }

  at(place: number): number {
    return this.values[place & this.mask]!
  }

  /** Where in `values` a place is. */
  indexOf(place: number): number {
    return place & this.mask
  }

  push(value: number): void {
    if (this.length > this.mask) this.grow()
    this.values[this.end++ & this.mask] = value
  }

  /** Takes the first values of a block. */
  append(block: Float64Array, count: number): void {
    while (this.length + count > this.values.length) this.grow()
    const at = this.end & this.mask
    const before = Math.min(count, this.values.length - at)
    this.values.set(before === block.length ? block : block.subarray(0, before), at)
    if (before < count) this.values.set(block.subarray(before, count))
    this.end += count
  }

  private grow(): void {
    const larger = new Float64Array(2 * this.values.length)
    const mask = larger.length - 1
    for (let place = this.first; place < this.end; place++) larger[place & mask] = this.at(place)
    this.values = larger
    this.mask = mask
  }
}

/** Adds the time from each arrival until `start` to a sum, one after the other. */
function addWaits(sum: number, arrivals: Times, from: number, to: number, start: number): number {
  const { values } = arrivals
  for (let begin = from; begin < to; ) {
    const at = arrivals.indexOf(begin)
    const length = Math.min(to - begin, values.length - at) | 0
    begin += length
    for (let i = 0; i < length; i++) sum += start - values[at + i]!
  }
  return sum
}

/** Arrival times by the number of the event; as many are kept as wait. */
class Schedule {
  readonly endMs: number
  /** Events that there are; a bound until the last was drawn. */
  length: number
  /** Whether events end because the time is up, not the data. */
  endedByTime = false
  private readonly arrivals: Arrivals
  private readonly block = new Float64Array(BLOCK)
  readonly times = new Times()

  constructor(arrivals: Arrivals, endMs: number, rows: number) {
    this.arrivals = arrivals
    this.endMs = endMs
    this.length = rows
  }

  get bytes(): number {
    return this.times.bytes
  }

  /** Infinity where there is no such event. */
  at(event: number): number {
    while (event >= this.times.end && this.times.end < this.length) this.draw()
    return event < this.length ? this.times.at(event) : Number.POSITIVE_INFINITY
  }

  /** Number of the first event after that time, from a given one on. */
  firstAfter(time: number, from: number): number {
    const { times } = this
    for (;;) {
      const end = Math.min(times.end, this.length)
      if (from < end && times.at(end - 1) > time) return firstAfter(times, time, from, end)
      if (times.end >= this.length) return Math.max(from, end)
      this.draw()
    }
  }

  /** As `at`; Infinity where it is after `latest`, without drawing the times in between. */
  atUnlessAfter(event: number, latest: number): number {
    const { times } = this
    while (event >= times.end && times.end < this.length && times.at(times.end - 1) <= latest) this.draw()
    return event < times.end ? times.at(event) : Number.POSITIVE_INFINITY
  }

  forgetBefore(event: number): void {
    // One stays, for the time of the last.
    this.times.first = Math.max(this.times.first, event - 1)
  }

  /** Time of the event before this one; 0 for none. */
  lastDrawnBefore(event: number): number {
    return event === 0 ? 0 : this.times.at(event - 1)
  }

  private draw(): void {
    const { block, times } = this
    const drawn = this.arrivals.draw(block)
    if (drawn < block.length) this.length = Math.min(this.length, times.end + drawn)
    let count = Math.min(drawn, this.length - times.end)
    if (count > 0 && block[count - 1]! >= this.endMs) {
      count = block.findIndex((time) => time >= this.endMs)
      this.length = times.end + count
      this.endedByTime = true
    }
    times.append(block, count)
  }
}

/** Place of the first time after this one; the last of them, before `end`, is. */
function firstAfter(times: Times, time: number, from: number, end: number): number {
  let [low, high] = [from, end - 1]
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    if (times.at(middle) > time) high = middle
    else low = middle + 1
  }
  return low
}

/** Counts labels that have arrived: those of all events, a fixed time after each. */
class LabelClock {
  private readonly arrivals: Arrivals
  private readonly delayMs: number
  private readonly block = new Float64Array(BLOCK)
  private place = 0
  private drawn = 0
  private count = 0

  constructor(arrivals: Arrivals, delayMs: number) {
    this.arrivals = arrivals
    this.delayMs = delayMs
  }

  arrivedBy(now: number): number {
    for (;;) {
      if (this.place === this.drawn) {
        this.drawn = this.arrivals.draw(this.block)
        this.place = 0
        if (this.drawn === 0) return this.count
      }
      if (this.block[this.place]! + this.delayMs > now) return this.count
      this.place++
      this.count++
    }
  }
}

/** Lets in as many events as may wait, and remembers which others it turned away. */
class Door {
  waiting = 0
  /** Events turned away whose rows were not given up yet. */
  turnedAway = 0
  private readonly limit: number
  /** They, as runs of events in order. */
  private runs: { from: number; to: number }[] = []

  constructor(limit: number) {
    this.limit = limit
  }

  arrive(event: number): void {
    if (this.waiting < this.limit) {
      this.waiting++
      return
    }
    this.turnedAway++
    const last = this.runs.at(-1)
    if (last !== undefined && last.to === event) last.to++
    else this.runs.push({ from: event, to: event + 1 })
  }

  /** How many from this event on were turned away. */
  atFront(event: number): number {
    const first = this.runs[0]
    return first?.from === event ? first.to - event : 0
  }

  /** Events from the first that waits to the next that was turned away, or to `arrived`. */
  inOrder(taken: number, arrived: number): number {
    return (this.runs[0]?.from ?? arrived) - taken
  }

  took(rows: number): void {
    this.waiting -= rows
  }

  skipped(rows: number): void {
    const first = this.runs[0]!
    this.turnedAway -= rows
    first.from += rows
    if (first.from === first.to) this.runs.shift()
  }

  clear(): void {
    this.waiting = 0
    this.turnedAway = 0
    this.runs = []
  }
}
