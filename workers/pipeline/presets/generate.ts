/** Deterministic data sets by preset. */
import type { DataFingerprint } from '../../contract.ts'
import { generateNba2k } from './nba2k-generate.ts'

export interface Generated {
  /** R2 of the noise-free target on exactly these rows, which no honest learner passes but by luck; null for one row. */
  ceiling_r2: number | null
  /** Taken while the file was written. */
  fingerprint: DataFingerprint
}

const GENERATORS: Readonly<Record<string, (rows: number, seed: number, path: string) => Generated>> = {
  nba2k: generateNba2k,
}

export interface GenerateRequest {
  preset: string
  rows: number
  seed: number
}

/**
 * Writes a data set; the same request gives the same bytes.
 * @throws {Error} for an unknown preset or a number out of range; the file system's own when it cannot be written
 */
export async function generateDataset(request: GenerateRequest, outPath: string): Promise<Generated> {
  const { preset, rows, seed } = request
  if (!Object.hasOwn(GENERATORS, preset)) {
    throw new Error(
      `unknown preset "${preset}": cannot generate it. Presets: ${Object.keys(GENERATORS).join(', ')}`,
    )
  }
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw new Error(`rows must be a whole number from 1, not ${rows}`)
  }
  if (!Number.isSafeInteger(seed)) throw new Error(`seed must be a whole number, not ${seed}`)
  return GENERATORS[preset]!(rows, seed, outPath)
}
