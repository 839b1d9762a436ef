/** One worker's part of a duet: two workers step their workloads in turns, in the order a b, b a, a b, ... */
import type { MemoryCheck } from '../caps/memory.ts'
import { openWorkload } from '../load-workload.ts'
import { MeasuredRun, warmUp } from '../measured-run.ts'
import { monotonicMs } from '../telemetry/clock.ts'
import { type Account, foreignWaitMs, ThreadAccount } from '../telemetry/process-files.ts'
import type { Offer, TrialContext, Workload } from '../workload.ts'

export interface DuetOrder {
  context: TrialContext
  warmupChunks: number
  maxMemoryMb: number | null
  targetMs: number
  /** 0 begins. */
  place: 0 | 1
  /** Shared by both workers and their trial process. */
  control: SharedArrayBuffer
}

/** What one worker saw. Entry i belongs to pair i. */
export interface DuetPart {
  /** Ms, time in which other processes had the core taken off; NaN where the data was used up and begins anew. */
  latencies: Float64Array
  rows: Float64Array
  /** CPU time of the worker's thread, ms. */
  cpu: Float64Array | null
  outputs: Record<string, number | null>
  complete: boolean
}

/** So few pairs say little: with long chunks a duet goes on beyond its target. */
const FEWEST_PAIRS = 20
/** But no longer than this many times the target. */
const LONGEST_DUET = 8
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

/** @throws what the workload throws, and MemoryCapError; the other worker is stopped then */
export async function takeTurns(
  workload: Workload,
  order: DuetOrder,
  memory: MemoryCheck,
  collectGarbage: () => void,
): Promise<DuetPart> {
  const open = async () => new MeasuredRun(await openWorkload(workload, order.context), memory, null)
  try {
    await warmUp(workload, order.context, order.warmupChunks, memory)
    collectGarbage()
    const part = new Part(await open(), open, order)
    try {
      return await part.play()
    } finally {
      await part.close()
    }
  } catch (error) {
    stopDuet(order.control)
    throw error
  }
}

class Part {
  private run: MeasuredRun
  private readonly open: () => Promise<MeasuredRun>
  private readonly order: DuetOrder
  private readonly words: Int32Array
  private readonly offer: Offer
  private readonly latencies: number[] = []
  private readonly rows: number[] = []
  private readonly cpu: number[] = []
  private readonly account = ThreadAccount.open()
  private outputs: Record<string, number | null> | null = null
  private complete = false

  constructor(run: MeasuredRun, open: () => Promise<MeasuredRun>, order: DuetOrder) {
    this.run = run
    this.open = open
    this.order = order
    this.words = new Int32Array(order.control)
    this.offer = { rows: order.context.settings.chunk_size, train: true }
  }

  async play(): Promise<DuetPart> {
    let began: number | null = null
    for (let pair = 0; ; pair++) {
      const turn = 2 * pair + (pair % 2 === 0 ? this.order.place : 1 - this.order.place)
      if (!this.waitFor(turn)) break
      began ??= monotonicMs()
      if (turn % 2 === 0 && this.isOver(pair, monotonicMs() - began)) {
        stopDuet(this.order.control)
        break
      }
      if (this.endedBefore(this.order.place) === pair && pair > 0) await this.beginAgain()
      await this.step(pair)
      store(this.words, TURN, turn + 1)
      notify(this.words, TURN)
    }
    this.outputs ??= (await this.run.finish()).metrics
    return {
      latencies: Float64Array.from(this.latencies),
      rows: Float64Array.from(this.rows),
      cpu: this.account === null ? null : Float64Array.from(this.cpu),
      outputs: this.outputs,
      complete: this.complete,
    }
  }

  async close(): Promise<void> {
    this.account?.close()
    await this.run.close()
  }

  private async step(pair: number): Promise<void> {
    const { run, account } = this
    const { total: latency } = run.latency
    const { rows } = run
    const before = account?.read() ?? null
    run.begin()
    if (await run.step(this.offer)) {
      const after = account?.read() ?? null
      this.note(run.latency.total - latency, run.rows - rows, before, after)
      return
    }
    this.note(Number.NaN, Number.NaN, null, null)
    store(this.words, ENDED + this.order.place, pair + 1)
    if (this.outputs === null) {
      this.outputs = (await run.finish()).metrics
      this.complete = true
    }
  }

  private note(latency: number, rows: number, before: Account | null, after: Account | null): void {
    const known = before !== null && after !== null
    this.latencies.push(known ? latency - Math.min(latency, foreignWaitMs(before, after)) : latency)
    this.rows.push(rows)
    this.cpu.push(known ? after.cpu - before.cpu : Number.NaN)
  }

  private async beginAgain(): Promise<void> {
    await this.run.close()
    this.run = await this.open()
  }

  /** Time is up, or the data of one side ended before that of the other. */
  private isOver(pair: number, elapsedMs: number): boolean {
    const [mine, other] = [this.endedBefore(0), this.endedBefore(1)]
    if ((mine === pair || other === pair) && mine !== other) return true
    const { targetMs } = this.order
    return elapsedMs >= targetMs && (pair >= FEWEST_PAIRS || elapsedMs >= targetMs * LONGEST_DUET)
  }

  private endedBefore(place: number): number {
    return load(this.words, ENDED + place)
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
