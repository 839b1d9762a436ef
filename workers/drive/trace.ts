/** Recorded arrival times: a column of the data, read before the clock starts and kept in a file, not in memory. */
import { type ColumnSpec, DataError } from '../data/columns.ts'
import { openBytes } from '../data/csv/reader.ts'
import { openData } from '../data/open.ts'
import type { ColumnDeclaration, PreparedDataset } from '../data/types.ts'
import { read } from '../telemetry/clock.ts'
import { openUnnamed, writeWhole } from '../telemetry/unnamed-file.ts'
import type { Arrivals } from './arrivals.ts'

const ROWS_AT_ONCE = 4096
const DAY_MS = 86_400_000
const SECOND_MS = 1000
const HEADER_LINES = 1

/**
 * @param column a date, or a number of seconds
 * @returns readers of the times, ms from the first of them, each from the beginning
 * @throws {DataError} where a time is missing or is no such value, or comes before the one in the row above
 */
export async function recordTrace(dataset: PreparedDataset, column: string): Promise<() => Arrivals> {
  const spec = timeColumn(dataset, column)
  const unit = spec.kind === 'date' ? DAY_MS : SECOND_MS
  const reader = await openData({ ...dataset, bad_values: 'fail' }, [spec], openBytes)
  const file = openUnnamed('trace')
  let first = Number.NaN
  let last = Number.NEGATIVE_INFINITY
  try {
    for (;;) {
      const chunk = await reader.read(ROWS_AT_ONCE)
      if (chunk === null) break
      const [times] = chunk.columns
      if (times === undefined || times.kind === 'category') break
      const offsets = new Float64Array(chunk.rows)
      for (let row = 0; row < chunk.rows; row++) {
        const at = times.values[row]! * unit
        if (!(at >= last)) throw outOfOrder(dataset, column, chunk.firstRow + row, at, last)
        if (Number.isNaN(first)) first = at
        offsets[row] = at - first
        last = at
      }
      writeWhole(file, new Uint8Array(offsets.buffer))
    }
  } finally {
    await reader.close()
  }
  return () => new Recording(file)
}

/** How the column is read; declared or inferred kinds other than these are refused. */
function timeColumn({ schema, columns, fingerprint, path }: PreparedDataset, name: string): ColumnSpec {
  if (!fingerprint.columns.includes(name)) {
    throw new DataError(
      `arrival.column: there is no such column; the data has ${fingerprint.columns.join(', ')}`,
      path,
      HEADER_LINES,
      name,
    )
  }
  const declared = columns[name]
  const given: ColumnDeclaration | undefined =
    declared === undefined ? schema?.[name] : typeof declared === 'string' ? { kind: declared } : declared
  const { kind, format, decimal, missing } = given ?? { kind: 'number' }
  if (kind !== 'date' && kind !== 'number') {
    throw new DataError(
      `arrival.column is read as a ${kind}, expected a date or a number of seconds; say dataset.columns.${name}: date`,
      path,
      HEADER_LINES,
      name,
    )
  }
  return {
    name,
    kind,
    ...(format !== undefined && { format }),
    ...(decimal !== undefined && { decimal }),
    ...(missing !== undefined && { missing }),
  }
}

function outOfOrder(
  { path }: PreparedDataset,
  column: string,
  row: number,
  at: number,
  last: number,
): DataError {
  const what = Number.isNaN(at)
    ? 'the time is missing, and a trace needs one for each event; fill it in or leave the row out'
    : `the time is ${last - at} ms before that of the row above, and a trace must be in order; sort the data`
  return new DataError(
    `data row ${row + 1}: ${what}, or choose another pattern of arrivals`,
    path,
    row + 1 + HEADER_LINES,
    column,
  )
}

/** Reads times from a file, each reader from its own place. */
class Recording implements Arrivals {
  private readonly file: number
  private position = 0

  constructor(file: number) {
    this.file = file
  }

  draw(out: Float64Array): number {
    const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength)
    let filled = 0
    while (filled < bytes.length) {
      const got = read(this.file, bytes, filled, bytes.length - filled, this.position)
      if (got === 0) break
      filled += got
      this.position += got
    }
    return filled / Float64Array.BYTES_PER_ELEMENT
  }
}
