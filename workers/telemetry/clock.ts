/**
 * The runtime's clocks and counters, taken here before a workload's module loads: what it puts in their place later
 * measures nothing of its trial.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'

/** Ms since this thread started; the cheapest clock. */
export const threadMs: () => number = performance.now.bind(performance)
const { bigint } = process.hrtime

/** The machine's monotonic clock in ms: the same in every process and thread, unlike `threadMs`. */
export function monotonicMs(): number {
  return Number(bigint()) / 1e6
}

/** A pause of the thread may fall between the readings of two clocks: the closest of so many counts. */
const COMPARISONS = 5

/** What `threadMs` lacks to `monotonicMs`. */
export const threadStartMs = compareClocks()

function compareClocks(): number {
  let closest = Number.POSITIVE_INFINITY
  let start = 0
  for (let i = 0; i < COMPARISONS; i++) {
    const before = threadMs()
    const machine = monotonicMs()
    const apart = threadMs() - before
    if (apart >= closest) continue
    closest = apart
    start = machine - before - apart / 2
  }
  return start
}

export const { cpuUsage } = process
export const heapStatistics = getHeapStatistics
export const nextTurn = setImmediate
export const sleep: (ms: number) => Promise<void> = setTimeout
export const open = openSync
export const close = closeSync
export const read = readSync
export const list = readdirSync

const buffer = Buffer.allocUnsafe(4096)

/** @returns a file's text, one byte a character; null where it cannot be read */
export function textOf(path: string): string | null {
  let file: number | null = null
  try {
    file = open(path, 'r')
    let text = ''
    for (;;) {
      const bytes = read(file, buffer, 0, buffer.length, null)
      if (bytes === 0) return text
      text += buffer.toString('latin1', 0, bytes)
    }
  } catch {
    return null
  } finally {
    if (file !== null) close(file)
  }
}

/**
 * The kernel's tick, ms, at its longest: 10 where HZ is 100, 4 or 1 on most machines. Times that are booked at ticks
 * (CPU time of other threads, waits, throttling) may be off by so much, and /proc/stat counts in 10 ms anywhere.
 */
export const TICK_MS = 10

/** Largest error that the resolution of its clock may put into a share. */
const LARGEST_ERROR = 0.05

/** Whether a window is long enough for a share or a sum of it to be told by a clock of that resolution. */
export function canTell(windowMs: number, resolutionMs: number): boolean {
  return windowMs * LARGEST_ERROR >= resolutionMs
}

/** Part of a window; null where the part is unknown or the window too short for the clock that counted it. */
export function shareOf(partMs: number | null, windowMs: number, resolutionMs: number): number | null {
  return partMs !== null && canTell(windowMs, resolutionMs) ? partMs / windowMs : null
}
