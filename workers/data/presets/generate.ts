/** Deterministic data sets by preset. */
import type { DataFingerprint } from '../types.ts'
import { generateNba2k } from './nba2k-generate.ts'

/** What a generated row's target is, and what it was expected to be without its noise. */
export interface GeneratedTarget {
  target: number
  expected: number
}

/** Writes the rows, tells of each, and returns what the file is. */
type Generator = (
  rows: number,
  seed: number,
  path: string,
  onRow?: (row: GeneratedTarget) => void,
) => DataFingerprint

const GENERATORS: ReadonlyMap<string, Generator> = new Map([['nba2k', generateNba2k]])

export interface GenerateRequest {
  preset: string
  rows: number
  seed: number
}

/**
 * Writes a data set; the same request gives the same bytes.
 * @param onRow called with the same object for each row
 * @returns what the file is, found while it was written
 * @throws {Error} for an unknown preset or a number out of range; the file system's own when it cannot be written
 */
export async function generateDataset(
  request: GenerateRequest,
  outPath: string,
  onRow?: (row: GeneratedTarget) => void,
): Promise<DataFingerprint> {
  const { preset, rows, seed } = request
  const generate = GENERATORS.get(preset)
  if (generate === undefined) {
    throw new Error(
      `unknown preset "${preset}": cannot generate it. Presets: ${[...GENERATORS.keys()].join(', ')}`,
    )
  }
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw new Error(`rows must be a whole number from 1, not ${rows}`)
  }
  if (!Number.isSafeInteger(seed)) throw new Error(`seed must be a whole number, not ${seed}`)
  return generate(rows, seed, outPath, onRow)
}
