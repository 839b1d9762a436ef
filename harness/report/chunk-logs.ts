/** What the chunk logs of a run say for its pictures and its page: each log is read once, and only sums of it stay. */
import type { ChunkLogLine, TrialResult } from '../../workers/protocol/trial-result.ts'
import { groupByScenario } from '../analyse/values.ts'
import { own } from '../own.ts'
import type { Manifest } from '../record/types.ts'
import type { Timeline } from './section.ts'

/** The log of one trial of a scenario: the first that has any. */
export interface LogSummary {
  trial: string
  /** Chunks in the log, and chunks of the trial; fewer of them in the log: it holds a sample. Null: not known. */
  logged: number
  chunks: number | null
  /** Steps of the distribution of chunk latency over the logged chunks, rising: the share of them with at most so many ms. */
  latency: Step[]
  /** Time by operator in order of its first use, and of whole steps, ms; over so many rows. */
  operators: { name: string; ms: number }[]
  step_ms: number
  rows: number
  /** Over time, from the start of the first chunk; null where the log holds a sample without times. */
  course: Course | null
  alarms: DriftAlarm[]
  timeline: Timeline
}

export interface Step {
  ms: number
  share: number
}

export interface Course {
  at_s: number[]
  /** Heap and external memory of the worker, the largest within each part. */
  memory_mb: number[]
  backlog: { at_s: number; rows: number }[]
}

export interface DriftAlarm {
  /** Number of the data row, from 1. */
  row: number
  stream: string
  detector: string
}

/** Values of a curve at most: a picture has no room for more. */
const MOST_VALUES = 120
/** Chunk log lines that one report reads: a page that waits for a minute is not read. */
const MOST_LINES = 400_000
const MOST_ALARMS = 50

/**
 * By scenario; none where no chunks were logged, or too many to read.
 * @param readChunks the chunk log of a trial; empty where there is none
 */
export function summariseLogs(
  manifest: Manifest,
  trials: readonly TrialResult[],
  readChunks: (trial: string) => readonly ChunkLogLine[],
): ReadonlyMap<string, LogSummary> {
  const found = new Map<string, LogSummary>()
  const groups = groupByScenario(trials)
  let left = manifest.sweep.chunk_log === 'none' ? 0 : MOST_LINES
  for (const { id } of manifest.sweep.scenarios) {
    const first = [...(groups.get(id) ?? [])].sort((a, b) => a.round - b.round).slice(0, 2)
    for (const trial of first) {
      if (left <= 0) return found
      const chunks = readChunks(trial.trial)
      left -= chunks.length
      if (chunks.length === 0) continue
      found.set(id, summaryOf(trial, chunks))
      break
    }
  }
  return found
}

function summaryOf(trial: TrialResult, chunks: readonly ChunkLogLine[]): LogSummary {
  const counted = trial.outcome === 'ok' ? trial.metrics['chunks'] : null
  return {
    trial: trial.trial,
    logged: chunks.length,
    chunks: counted ?? null,
    latency: stepsOf(chunks.map(({ latency_ms }) => latency_ms)),
    ...operatorsOf(chunks),
    course: courseOf(chunks),
    alarms: chunks.flatMap(alarmsOf).slice(0, MOST_ALARMS),
    timeline: timelineOf(trial.trial, chunks),
  }
}

/**
 * Of the empirical distribution, at most so many of its own steps, closer to each other in the upper tail. Equal values are one
 * step.
 */
export function stepsOf(values: readonly number[], most = MOST_VALUES): Step[] {
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  const steps: Step[] = []
  for (const [i, ms] of sorted.entries()) {
    // The last of equal values stands for all of them.
    if (sorted[i + 1] === ms) continue
    steps.push({ ms: short(ms), share: (i + 1) / n })
  }
  if (steps.length <= most) return steps
  const wanted = [
    ...Array.from({ length: most - TAIL.length }, (_, i) => (i + 1) / (most - TAIL.length)),
    ...TAIL,
  ].sort((a, b) => a - b)
  const kept = new Set<Step>([steps[0]!, steps.at(-1)!])
  let at = 0
  for (const share of wanted) {
    while (at < steps.length - 1 && steps[at]!.share < share) at++
    kept.add(steps[at]!)
  }
  return steps.filter((step) => kept.has(step))
}

const TAIL = [0.985, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999]

function operatorsOf(chunks: readonly ChunkLogLine[]): Pick<LogSummary, 'operators' | 'step_ms' | 'rows'> {
  const totals = new Map<string, number>()
  let [step_ms, rows] = [0, 0]
  for (const chunk of chunks) {
    rows += chunk.rows
    step_ms += chunk.service_ms
    for (const [name, ms] of Object.entries(chunk.operators_ms ?? {}))
      totals.set(name, (totals.get(name) ?? 0) + ms)
  }
  return { operators: [...totals].map(([name, ms]) => ({ name, ms })), step_ms, rows }
}

/** In a closed loop the next chunk starts when the last has ended, so that latencies add up to the time; in a sample not. */
function courseOf(chunks: readonly ChunkLogLine[]): Course | null {
  const isOpen = chunks.every(({ start_ms }) => start_ms !== undefined)
  if (!isOpen && chunks.some(({ chunk }, i) => chunk !== i)) return null
  let ended = 0
  const ends = chunks.map(({ start_ms, latency_ms }) => {
    ended = (start_ms ?? ended) + latency_ms
    return ended / 1000
  })
  const size = Math.ceil(chunks.length / MOST_VALUES)
  const parts = Array.from({ length: Math.ceil(chunks.length / size) }, (_, i) => i * size)
  const backlog = chunks.flatMap(({ start_ms, backlog_rows }) =>
    start_ms === undefined || backlog_rows === undefined
      ? []
      : [{ at_s: short(start_ms / 1000), rows: backlog_rows }],
  )
  return {
    at_s: parts.map((from) => short(ends[Math.min(from + size, chunks.length) - 1]!)),
    memory_mb: parts.map((from) => most(chunks.slice(from, from + size), memoryOf)),
    backlog: largestOfParts(backlog),
  }
}

function largestOfParts(readings: readonly { at_s: number; rows: number }[]) {
  const size = Math.ceil(readings.length / MOST_VALUES)
  return Array.from({ length: size === 0 ? 0 : Math.ceil(readings.length / size) }, (_, i) =>
    readings.slice(i * size, (i + 1) * size).reduce((a, b) => (b.rows > a.rows ? b : a)),
  )
}

const memoryOf = ({ heap_mb, external_mb }: ChunkLogLine) => heap_mb + external_mb

/** What a workload wrote into its own part of the line, where it has the form of the pipeline's. */
function alarmsOf({ detail }: ChunkLogLine): DriftAlarm[] {
  const alarms = detail === undefined ? undefined : own(detail, 'drift')
  if (!Array.isArray(alarms)) return []
  return alarms.flatMap((alarm: unknown) => {
    if (typeof alarm !== 'object' || alarm === null) return []
    const { row, stream, detector } = alarm as Record<string, unknown>
    if (typeof row !== 'number' || typeof stream !== 'string' || typeof detector !== 'string') return []
    return [{ row, stream, detector }]
  })
}

function timelineOf(trial: string, chunks: readonly ChunkLogLine[]): Timeline {
  const size = Math.ceil(chunks.length / MOST_VALUES)
  const values = Array.from({ length: Math.ceil(chunks.length / size) }, (_, i) =>
    chunks.slice(i * size, (i + 1) * size),
  )
  return {
    trial,
    chunks: chunks.length,
    chunks_per_value: size,
    latency_ms: values.map((lines) =>
      short(lines.reduce((sum, { latency_ms }) => sum + latency_ms, 0) / lines.length),
    ),
    latency_max_ms: values.map((lines) => most(lines, ({ latency_ms }) => latency_ms)),
    memory_mb: values.map((lines) => most(lines, memoryOf)),
  }
}

function most(lines: readonly ChunkLogLine[], value: (line: ChunkLogLine) => number): number {
  return short(lines.reduce((max, line) => Math.max(max, value(line)), 0))
}

function short(value: number): number {
  return Number(value.toPrecision(6))
}
