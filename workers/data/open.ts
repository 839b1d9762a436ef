/** The reader for a data set's format. */

import type { ChunkReader, ColumnSpec, OpenReader } from './columns.ts'
import { openNdjson } from './ndjson.ts'
import type { DataFormat, PreparedDataset, ReadingOptions } from './types.ts'

export interface DataSource extends Pick<ReadingOptions, 'format' | 'dialect' | 'bad_values'> {
  path: string
}

/** As declared, or by the file's name. */
export function formatOf({ path, format }: { path: string; format?: DataFormat }): DataFormat {
  return format ?? (/\.(?:ndjson|jsonl|json)(?:\.gz)?$/i.test(path) ? 'ndjson' : 'csv')
}

/**
 * Opens events by the reader of their own, and a CSV by the one given.
 * @throws {DataError} as the readers do
 */
export function openData(
  dataset: DataSource & Pick<PreparedDataset, 'rows' | 'fingerprint'>,
  specs: readonly ColumnSpec[],
  openCsv: OpenReader,
): ChunkReader | Promise<ChunkReader> {
  const { path, rows, dialect, bad_values = 'fail', fingerprint } = dataset
  const open = formatOf(dataset) === 'ndjson' ? openNdjson : openCsv
  return open(path, specs, {
    ...dialect,
    rows,
    markMisfits: bad_values !== 'fail',
    names: fingerprint.columns,
  })
}
