/**
 * Data that is sent as events, and how its publisher kept to the schedule.
 * All of it is plain data that survives structured cloning and JSON.
 */
import type { DataFormat, PreparedDataset } from '../data/types.ts'
import type { InputProblem } from './prepare.ts'
import type { ArrivalSpec, LiveAddress, OpenLoopSpec } from './trial-spec.ts'

/** A data set that is to be sent as events. */
export interface PublishSpec {
  /** A file, packed or not, or `-` for standard input. */
  data: { path: string; format?: DataFormat }
  /** URL of a stream or topic. */
  to: string
  arrival: ArrivalSpec
  /** Of the arrivals. */
  seed: number
  /** Only the first so many rows; null for all. */
  rows: number | null
  /** MQTT only. */
  qos: 0 | 1
}

/** How a publisher kept to its schedule. */
export interface PublishReport {
  to: string
  /** Rows sent, a header not counted. */
  events: number
  /** Messages that the broker acknowledged, a header among them; null where it acknowledges none. */
  acknowledged: number | null
  seconds: number
  /** Rate of the schedule as drawn; null for fewer than two events. */
  offered_rows_s: number | null
  achieved_rows_s: number | null
  /** From when an event was meant to go out until it did, ms; null for no event. */
  lateness_ms: { p50: number | null; p99: number | null; max: number | null }
  /** How often the connection broke and was made again. */
  reconnections: number
  /** Events that lie in the stream before one that was sent earlier. */
  out_of_order: number
}

/** The events of one trial, for its own publisher. */
export interface LivePublishSpec {
  data: PreparedDataset
  live: LiveAddress
  driver: OpenLoopSpec
}

export type PublisherReply = { ok: true; report: PublishReport } | { ok: false; error: InputProblem }
