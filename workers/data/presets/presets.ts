/** Data sets that are known by name: which columns they have, and how these are read. */
import type { ColumnSpec } from '../columns.ts'

export interface Preset {
  /** A column among the specs. */
  target: string
  /** Columns to read; all others are skipped. */
  specs: readonly ColumnSpec[]
}

const UNDRAFTED = { Undrafted: 0 }

const NBA2K_COLUMNS: readonly ColumnSpec[] = [
  { name: 'rating', kind: 'number' },
  { name: 'team', kind: 'category' },
  { name: 'position', kind: 'category' },
  { name: 'b_day', kind: 'date', format: 'mdy2' },
  { name: 'height', kind: 'number', after: ' / ' },
  { name: 'weight', kind: 'number', after: ' / ', loose: true },
  { name: 'salary', kind: 'number', after: '$' },
  { name: 'country', kind: 'category' },
  { name: 'draft_year', kind: 'number' },
  { name: 'draft_round', kind: 'category' },
  { name: 'draft_peak', kind: 'number', words: UNDRAFTED },
  { name: 'version', kind: 'number', after: 'NBA2k' },
]

/** Whose rows can also be generated, each under the same name. */
const PRESETS: ReadonlyMap<string, Preset> = new Map([['nba2k', { target: 'salary', specs: NBA2K_COLUMNS }]])

/** @throws {Error} listing the presets where there is none of that name */
export function presetOf(name: string): Preset {
  const preset = PRESETS.get(name)
  if (preset === undefined) {
    throw new Error(`unknown preset "${name}". Presets: ${[...PRESETS.keys()].join(', ')}`)
  }
  return preset
}

/** The first preset that finds all its columns among these; null where none does. */
export function presetFor(columns: readonly string[]): string | null {
  for (const [name, { specs }] of PRESETS) {
    if (specs.every((spec) => columns.includes(spec.name))) return name
  }
  return null
}
