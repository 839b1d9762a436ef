/** Two workers of a duet step their workloads in turns, in the order a b, b a, a b, ... */
import { monotonicMs } from '../telemetry/clock.ts'
import { type Account, foreignWaitMs, ThreadAccount } from '../telemetry/process-files.ts'
import type { Offer } from '../workload.ts'
import type { Driver, TimedStep } from './driver.ts'

/** Which part of a duet a worker has. */
export interface DuetTurns {
  /** Whole passes over the data are played until so much time is up. */
  targetMs: number
  /** A pass that takes longer ends here. */
  mostMs: number
  /** 0 begins. */
  place: 0 | 1
  /** Shared by both workers and their trial process. */
  control: SharedArrayBuffer
}

/** What one worker measured. Entry i belongs to pair i. */
export interface PairTimes {
  /** Ms, less time in which other processes had the core; NaN where the data was used up and starts anew. */
  latencies: Float64Array
  rows: Float64Array
  /** CPU time of the worker's thread, ms. */
  cpu: Float64Array | null
}

/** Each side goes first equally often. */
const FEWEST_PAIRS = 2
/** The trial process may stop a duet while both sides wait. */
const LOOK_UP_MS = 100

// Taken before a workload can replace them.
const { load, notify, store, wait } = Atomics

/** Words of the control buffer: whose turn it is, whether to stop, and before which pair each side's data ended. */
const TURN = 0
const STOP = 1
const ENDED = 2
export const CONTROL_BYTES = 4 * Int32Array.BYTES_PER_ELEMENT

/** Ends the duet for both workers before their next step. */
export function stopDuet(control: SharedArrayBuffer): void {
  const words = new Int32Array(control)
  store(words, STOP, 1)
  notify(words, TURN)
}

/**
 * One worker's turns. A turn lasts from a step to the next call of `next`, so that what a worker does after its step,
 * such as starting its data anew, disturbs no step of the other.
 */
export class Turns implements Driver {
  readonly waits = true
  private readonly turns: DuetTurns
  private readonly words: Int32Array
  private readonly offer: Offer
  private readonly latencies: number[] = []
  private readonly rows: number[] = []
  private readonly cpu: number[] = []
  private readonly account: ThreadAccount | null
  private before: Account | null = null
  /** The turn that this worker has. */
  private turn: number | null = null
  private pair = 0
  private began: number | null = null

  /** @param account of what steps; null where none can tell, and then CPU time is unknown and others' work not left out */
  constructor(chunkSize: number, turns: DuetTurns, account = ThreadAccount.open()) {
    this.turns = turns
    this.account = account
    this.words = new Int32Array(turns.control)
    this.offer = { rows: chunkSize, train: true }
  }

  next(): Offer | null {
    if (this.turn !== null) this.pass(this.turn)
    const turn = 2 * this.pair + (this.pair % 2 === 0 ? this.turns.place : 1 - this.turns.place)
    if (!this.waitFor(turn)) return null
    this.turn = turn
    this.began ??= monotonicMs()
    if (turn % 2 === 0 && this.isOver(monotonicMs() - this.began)) {
      stopDuet(this.turns.control)
      return null
    }
    this.before = this.account?.read() ?? null
    return this.offer
  }

  ended(step: TimedStep | null): void {
    const { before } = this
    const after = this.account?.read() ?? null
    const known = step !== null && before !== null && after !== null
    const latency = step === null ? Number.NaN : step.end - step.start
    // Others may have had the core just before the step, or after it: it took no less than its own work.
    this.latencies.push(
      known
        ? Math.max(latency - foreignWaitMs(before, after), Math.min(latency, after.cpu - before.cpu))
        : latency,
    )
    this.rows.push(step?.rows ?? Number.NaN)
    this.cpu.push(known ? after.cpu - before.cpu : Number.NaN)
    if (step === null) store(this.words, ENDED + this.turns.place, this.pair + 1)
  }

  times(): PairTimes {
    return {
      latencies: Float64Array.from(this.latencies),
      rows: Float64Array.from(this.rows),
      cpu: this.account === null ? null : Float64Array.from(this.cpu),
    }
  }

  /** Gives the turn to whoever has the next one, which may be this worker itself. */
  private pass(turn: number): void {
    this.turn = null
    this.pair++
    store(this.words, TURN, turn + 1)
    notify(this.words, TURN)
  }

  /** A pass has ended and the time is up, the most is up, or the data of one side ended before that of the other. */
  private isOver(elapsedMs: number): boolean {
    const { pair } = this
    const { targetMs, mostMs } = this.turns
    const [one, other] = [load(this.words, ENDED), load(this.words, ENDED + 1)]
    if (pair > 0 && (one === pair || other === pair)) return one !== other || elapsedMs >= targetMs
    return elapsedMs >= mostMs && pair >= FEWEST_PAIRS && pair % 2 === 0
  }

  private waitFor(turn: number): boolean {
    for (;;) {
      if (load(this.words, STOP) === 1) return false
      const now = load(this.words, TURN)
      if (now === turn) return true
      wait(this.words, TURN, now, LOOK_UP_MS)
    }
  }
}
