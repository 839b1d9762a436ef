/** Opens a workload and steps it to the end, measuring every chunk. */
import { type MemoryCheck, MIB } from './caps/memory.ts'
import { ClosedLoop } from './drive/closed.ts'
import type { Driver, TimedStep, Waiting } from './drive/driver.ts'
import { openWorkload } from './load-workload.ts'
import { ChunkLog, type OpenLoopMarks } from './telemetry/chunk-log.ts'
import { cpuUsage, nextTurn, threadMs } from './telemetry/clock.ts'
import { readThrottledMs } from './telemetry/meters.ts'
import {
  CANNOT_SHED,
  type CheckedOutput,
  checkedAnswered,
  checkedOutput,
  checkedRows,
  checkedSkipped,
  WorkloadError,
} from './untrusted.ts'
import type { Offer, OpenWorkload, StepReport, TrialContext, Workload } from './workload.ts'

/**
 * How often a workload that never waits gives way to the event loop, where notes of collections pile up, ms.
 * A turn takes about 0.3 ms, so that this costs a thousandth.
 */
const TURN_EVERY_MS = 250

/** A shorter step was not held back by a compute cap, whose pauses last longer. */
const HELD_BACK_MS = 1

export class MeasuredRun {
  /** Ms per chunk, from the start of its step until the next may start. */
  readonly latency = new Samples()
  /** Ms per chunk, the step only. */
  readonly service = new Samples()
  rows = 0
  private readonly open: OpenWorkload
  private readonly memory: MemoryCheck
  private readonly log: ChunkLog | null
  /** Start of the first chunk, ms by `threadMs()`. */
  begun = Number.NaN
  /** When the next chunk may start, ms by `threadMs()`. */
  ready = Number.NaN
  private cpuAt: NodeJS.CpuUsage | null = null
  private lastTurn = Number.NaN
  private driver: Driver | null = null
  /** File of a cgroup that tells how long the compute cap held it back; null where that is not known. */
  cpuStat: string | null = null
  private throttledAt = 0
  /** What the chunk log says besides of an open loop. */
  marks: OpenLoopMarks | null = null

  /** @param chunkLog path of the chunk log, or null for none */
  constructor(open: OpenWorkload, memory: MemoryCheck, chunkLog: string | null) {
    this.open = open
    this.memory = memory
    this.log = chunkLog === null ? null : new ChunkLog(chunkLog)
  }

  /**
   * Steps to the end of the data, as the driver lets it.
   * @returns false where the driver ended it before
   * @throws what the workload throws, WorkloadError where it returned no such report, and MemoryCapError
   */
  async drive(driver: Driver): Promise<boolean> {
    this.begin()
    this.driver = driver
    this.heldBack()
    for (;;) {
      const told = driver.next()
      const next = isThenable(told) ? await told : told
      if (next === null) return false
      if (next.skip !== undefined) {
        const skipped = await this.skip(next.skip)
        driver.skipped?.(skipped)
        if (skipped === next.skip) continue
        driver.ended?.(null)
        return true
      }
      if (driver.waits) this.resume()
      const step = await this.step(next)
      driver.ended?.(step)
      if (step === null) return true
    }
  }

  /** The clock starts. */
  begin(): void {
    this.driver = null
    this.resume()
    this.begun = this.ready
  }

  /**
   * Handles one chunk; null when the data was used up.
   * @throws what the workload throws, WorkloadError where it returned no such report, and MemoryCapError
   */
  async step(offer: Offer): Promise<TimedStep | null> {
    const start = this.ready
    const pending = this.open.step(offer)
    const report = isThenable(pending) ? await pending : pending
    const served = threadMs()
    if (report === null) {
      this.extendLast(served)
      return null
    }
    const rows = checkedRows(report)
    const answered = checkedAnswered(report, rows)
    this.memory.check(this.harnessBytes())
    if (served - this.lastTurn > TURN_EVERY_MS) {
      await nextTurn()
      this.lastTurn = threadMs()
    }
    const end = threadMs()
    this.latency.add(end - start)
    this.service.add(served - start)
    this.ready = end
    if (this.log !== null) this.keepLine(this.log, rows, report, end - start, served - start)
    this.rows += rows
    return { rows, answered, start, served, end }
  }

  /**
   * Lets the workload give up rows.
   * @returns how many it gave up; fewer only where the data ended
   * @throws {WorkloadError} where it cannot, or returned no such number
   */
  private async skip(rows: number): Promise<number> {
    const { open } = this
    if (typeof open.skip !== 'function') throw new WorkloadError(CANNOT_SHED)
    const pending = open.skip(rows)
    return checkedSkipped(isThenable(pending) ? await pending : pending, rows)
  }

  /** @throws what the workload throws, WorkloadError where it returned no such output, and MemoryCapError */
  async finish(): Promise<CheckedOutput> {
    const output = checkedOutput(await this.open.finish())
    this.memory.check(this.harnessBytes())
    return output
  }

  async close(): Promise<void> {
    this.log?.close(this.marks)
    await this.open.close?.()
  }

  /** The next step starts now: the time since the last one is no part of its latency, and of the last one's only without a wait. */
  private resume(): void {
    if (this.log !== null) this.cpuAt = cpuUsage()
    if (this.driver?.follows === true) this.extendLast(threadMs())
    else this.ready = threadMs()
    // Only where events arrive may a turn fall between two steps: in a duet it would fall to one side.
    if (this.driver?.waiting === undefined) this.lastTurn = this.ready
  }

  /** Finding the end of the data takes part of the window as well, and a pause for a cap may fall into it. */
  private extendLast(end: number): void {
    if (this.latency.count === 0) return
    this.latency.extendLast(end - this.ready)
    this.log?.extendLast(end - this.ready)
    this.ready = end
  }

  /** Its own cost falls into the next chunk's latency. */
  private keepLine(log: ChunkLog, rows: number, report: StepReport, latency: number, service: number): void {
    const cpu = cpuUsage()
    const before = this.cpuAt ?? cpu
    this.cpuAt = cpu
    const { heapBytes, externalBytes } = this.memory.latest
    const waiting = this.driver?.waiting
    log.add(
      {
        rows,
        first_row: this.rows,
        ...(waiting !== undefined && this.underArrivals(waiting, latency, service)),
        latency_ms: latency,
        service_ms: service,
        cpu_ms: (cpu.user - before.user + cpu.system - before.system) / 1000,
        heap_mb: heapBytes / MIB,
        external_mb: externalBytes / MIB,
      },
      report,
    )
  }

  private underArrivals({ since, rows }: Waiting, latency: number, service: number) {
    const start_ms = this.ready - latency - this.begun
    const held = service > HELD_BACK_MS ? this.heldBack() : 0
    return { start_ms, arrived_ms: since, backlog_rows: rows, ...(held > 0 && { throttled_ms: held }) }
  }

  /** Time in which a cap held the process back since this was last asked, ms. */
  private heldBack(): number {
    if (this.cpuStat === null) return 0
    const before = this.throttledAt
    this.throttledAt = readThrottledMs(this.cpuStat) ?? 0
    return this.throttledAt - before
  }

  private harnessBytes(): number {
    return this.latency.bytes + this.service.bytes + (this.log?.bytes ?? 0) + (this.driver?.bytes ?? 0)
  }
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Promise<unknown> | null)?.then === 'function'
}

/**
 * Steps a throwaway instance as a measured one, so that the compiler is warm, for the harness's code as well, and the
 * state is not.
 * @returns time of the first chunk, ms; null where there was none
 */
export async function warmUp(
  workload: Workload,
  context: TrialContext,
  chunks: number,
  memory: MemoryCheck,
): Promise<number | null> {
  if (chunks === 0) return null
  const run = new MeasuredRun(await openWorkload(workload, { ...context, warmup: true }), memory, null)
  const { chunk_size } = context.settings
  try {
    if (await run.drive(new ClosedLoop(chunk_size, 1))) return null
    const firstMs = run.latency.total
    await run.drive(new ClosedLoop(chunk_size, chunks - 1))
    return firstMs
  } finally {
    await run.close()
  }
}

const FIRST_CAPACITY = 1024

/** One number per chunk, for exact percentiles. */
export class Samples {
  private values = new Float64Array(FIRST_CAPACITY)
  private sum = 0
  count = 0

  add(value: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.values.length * 2)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.count++] = value
    this.sum += value
  }

  /** Adds to the latest sample. */
  extendLast(more: number): void {
    this.values[this.count - 1]! += more
    this.sum += more
  }

  /** Memory that these samples take, to be left out of the workload's account. */
  get bytes(): number {
    return this.values.byteLength
  }

  get total(): number {
    return this.sum
  }

  mean(): number | null {
    return this.count === 0 ? null : this.sum / this.count
  }

  /**
   * Quantiles by linear interpolation between order statistics (type 7 of Hyndman and Fan, 1996).
   * @param shares ascending or not, each within 0 to 1
   */
  quantiles(shares: readonly number[]): (number | null)[] {
    const sorted = this.values.slice(0, this.count).sort()
    return shares.map((share) => {
      if (sorted.length === 0) return null
      const position = share * (sorted.length - 1)
      const below = Math.floor(position)
      const low = sorted[below]!
      const high = sorted[Math.min(below + 1, sorted.length - 1)]!
      return low + (high - low) * (position - below)
    })
  }
}
