/** What a trial says of its data, under the headings of the original report; null where it does not say. */
import type { ChunkLogLine } from '../../../workers/protocol.ts'

/** Streams that are no feature: how they move is drift over time. */
const OVER_TIME = ['target', 'error']

export function qualitySection(
  info: Readonly<Record<string, unknown>>,
  chunks: readonly ChunkLogLine[],
): object {
  const quality = isObject(info['quality']) ? info['quality'] : null
  const columns = quality !== null && isObject(quality['columns']) ? quality['columns'] : null
  const drift = isObject(info['drift']) ? info['drift'] : null
  return {
    rows: info['rows'] ?? null,
    rows_without_target: info['rows_without_target'] ?? null,
    rows_dropped: info['rows_dropped'] ?? null,
    duplicate_rows: quality?.['duplicate_rows'] ?? null,
    bad_values: info['bad_values'] ?? null,
    imputed: info['imputed'] ?? null,
    schema: { columns: info['columns'] ?? null, statistics: columns },
    missing_ratios: columns === null ? null : fieldOf(columns, 'missing_ratio'),
    outlier_rate: columns === null ? null : outlierRate(columns, quality!['rows']),
    outlier_ratios: columns === null ? null : fieldOf(columns, 'outlier_ratio'),
    collinear_features: info['collinear_features'] ?? null,
    drift: {
      chunks_with_alarms: drift === null ? null : chunksWithAlarms(chunks),
      untested: info['drift_untested'] ?? null,
    },
    per_feature_drift: drift === null ? null : streams(drift, (name) => !OVER_TIME.includes(name)),
    temporal_drift: drift === null ? null : streams(drift, (name) => OVER_TIME.includes(name)),
  }
}

/** Of the columns that have the field. */
function fieldOf(columns: Readonly<Record<string, unknown>>, field: string): Record<string, unknown> {
  const having = Object.entries(columns).flatMap(([name, column]): [string, unknown][] =>
    isObject(column) && field in column ? [[name, column[field]]] : [],
  )
  return Object.fromEntries(having)
}

/** Outliers over all present numbers, from the counts behind each column's ratios. */
function outlierRate(columns: Readonly<Record<string, unknown>>, rows: unknown): number | null {
  if (typeof rows !== 'number') return null
  let outliers = 0
  let present = 0
  for (const column of Object.values(columns)) {
    if (!isObject(column) || typeof column['outlier_ratio'] !== 'number') continue
    const values = Math.round((1 - (column['missing_ratio'] as number)) * rows)
    outliers += Math.round(column['outlier_ratio'] * values)
    present += values
  }
  return present === 0 ? null : outliers / present
}

function streams(
  drift: Readonly<Record<string, unknown>>,
  belongs: (stream: string) => boolean,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(drift).filter(([name]) => belongs(name)))
}

function chunksWithAlarms(chunks: readonly ChunkLogLine[]): number[] {
  const alarms = ({ detail }: ChunkLogLine) => detail?.['drift']
  return chunks.flatMap((chunk) => {
    const drift = alarms(chunk)
    return Array.isArray(drift) && drift.length > 0 ? [chunk.chunk] : []
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
