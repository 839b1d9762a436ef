/** Brings a reader to where a checkpoint was taken. */
import type { ChunkReader, Column } from '../../data/columns.ts'

const CHUNK_ROWS = 4096

/**
 * Reads `rows` rows and lets them go: dictionaries and line numbers are then what they would have been.
 * @returns the columns as they then are; null where no row was skipped
 * @throws {Error} where the data has fewer rows
 * @throws {DataError} as the reader
 */
export async function skipRows(reader: ChunkReader, rows: number): Promise<readonly Column[] | null> {
  let columns: readonly Column[] | null = null
  let left = rows
  while (left > 0) {
    const chunk = await reader.read(Math.min(CHUNK_ROWS, left))
    if (chunk === null) {
      throw new Error(
        `the checkpoint was taken after ${rows} rows, and the data has ${rows - left}: it is another file`,
      )
    }
    columns = chunk.columns
    left -= chunk.rows
  }
  return columns
}
