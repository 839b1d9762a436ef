/** The reader for a data set's format. */

import type { ChunkReader, ColumnSpec, OpenReader } from './columns.ts'
import { openNdjson, sampleEvents } from './ndjson.ts'
import type { DataFormat, ReadingOptions } from './types.ts'

export interface DataSource extends Pick<ReadingOptions, 'format' | 'dialect' | 'bad_values'> {
  path: string
}

/** As declared, or by the file's name. */
export function formatOf({ path, format }: { path: string; format?: DataFormat }): DataFormat {
  return format ?? (/\.(?:ndjson|jsonl)(?:\.gz)?$/i.test(path) ? 'ndjson' : 'csv')
}

/**
 * Opens events by the reader of their own, and a CSV by the one given.
 * @throws {DataError} as the readers do
 */
export function openData(
  dataset: DataSource & { rows: number },
  specs: readonly ColumnSpec[],
  openCsv: OpenReader,
): ChunkReader | Promise<ChunkReader> {
  const { path, rows, dialect, bad_values = 'fail' } = dataset
  const open = formatOf(dataset) === 'ndjson' ? openNdjson : openCsv
  return open(path, specs, { ...dialect, rows, markMisfits: bad_values !== 'fail' })
}

/** Names and the first `rows` records as text. */
export async function sampleRows(
  dataset: DataSource,
  rows: number,
): Promise<{ header: string[]; records: string[][] }> {
  if (formatOf(dataset) === 'ndjson') return sampleEvents(dataset.path, rows)
  // Trials read no sample: they need not load csv-parse.
  const { sampleRecords } = await import('./csv/csv-parse.ts')
  return sampleRecords(dataset.path, rows, dataset.dialect ?? {})
}
