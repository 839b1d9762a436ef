/** The lines of `streaming_chunks.jsonl`: one per chunk of the first streaming trial; null where nothing was measured. */
import type { ChunkLogLine } from '../../../workers/protocol.ts'
import { firstOk, type PipelineData } from './data.ts'
import { chunkEnergy } from './energy.ts'

export const CHUNKS_FILE = 'reports/streaming_chunks.jsonl'

export function chunkLines({ streaming }: PipelineData): Record<string, unknown>[] {
  const energyOf = chunkEnergy(streaming.scenario.watts ?? null, firstOk(streaming.trials))
  return streaming.chunks.map((chunk) => lineOf(chunk, energyOf(chunk)))
}

function lineOf(chunk: ChunkLogLine, joules: number | null): Record<string, unknown> {
  const { control, spilled_bytes, drift, quality, ...others } = chunk.detail ?? {}
  const retries = (control as { retries?: number } | undefined)?.retries
  return {
    chunk_id: chunk.chunk,
    first_row: chunk.first_row,
    rows: chunk.rows,
    bytes: chunk.bytes ?? null,
    operators_ms: chunk.operators_ms ?? null,
    latency_ms: chunk.latency_ms,
    service_ms: chunk.service_ms,
    cpu_ms: chunk.cpu_ms,
    throughput_rows_s: chunk.latency_ms > 0 ? (chunk.rows * 1000) / chunk.latency_ms : null,
    memory_mb: chunk.heap_mb + chunk.external_mb,
    heap_mb: chunk.heap_mb,
    external_mb: chunk.external_mb,
    energy_j: joules,
    // Counters are read once per trial.
    energy_source: joules === null ? null : 'estimate',
    retries: retries ?? 0,
    control: control ?? null,
    spilled_bytes: spilled_bytes ?? 0,
    drift: drift ?? null,
    quality: quality ?? null,
    ...others,
  }
}
