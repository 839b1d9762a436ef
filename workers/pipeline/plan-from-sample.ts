/** A plan for a CSV without a preset: every column becomes the features that its type allows. */
import type { ColumnKind, PreparedDataset } from '../contract.ts'
import { month, months, year } from './features/fills.ts'
import type { Formula } from './features/table.ts'
import { type ColumnSpec, DataError } from './ingest/columns.ts'
import { sampleRecords } from './ingest/csv-parse.ts'
import { decodeNumber, misfit } from './ingest/decode.ts'
import { findColumns, suggest } from './ingest/header.ts'
import { inferColumn } from './ingest/infer.ts'
import type { Plan } from './plan.ts'

/** Types are inferred from so many rows at the start of the file, however few of them a trial handles. */
const SAMPLE_ROWS = 1000

/**
 * @throws {DataError} where the target or a column named under `columns` is absent, or the target is not numeric
 * @throws {Error} where no target is named, or nothing is left to learn from
 */
export async function planFromSample(dataset: PreparedDataset): Promise<Plan> {
  const { path, target, columns } = dataset
  const { header, records } = await sampleRecords(path, SAMPLE_ROWS)
  if (target === null) {
    throw new Error(`${path}: name the column to predict as dataset.target. Columns: ${header.join(', ')}`)
  }
  const [targetAt] = findColumns(header, [target], path)
  for (const name of Object.keys(columns)) {
    if (!header.includes(name)) {
      throw new DataError(`dataset.columns names "${name}"${suggest(name, header)}`, path, 1)
    }
  }
  const notes: string[] = []
  const specs: ColumnSpec[] = [targetSpec(target, textsOf(records, targetAt!), path, columns[target], notes)]
  for (const [at, name] of header.entries()) {
    if (name === target) continue
    const inferred = inferColumn(name, textsOf(records, at), columns[name])
    if (inferred.spec !== null) specs.push(inferred.spec)
    if (inferred.note !== null) notes.push(inferred.note)
  }
  if (specs.length === 1) {
    throw new Error(
      `${path}: no column is left to learn from. ${notes.join('; ')}. Set types with dataset.columns`,
    )
  }
  return { specs, target, categories: {}, features: genericFeatures(specs, target), notes }
}

function textsOf(records: readonly string[][], at: number): string[] {
  return records.map((record) => record[at]!)
}

/** A number where all values are one or it was asked for, else labels. */
function targetSpec(
  target: string,
  texts: readonly string[],
  path: string,
  asked: ColumnKind | undefined,
  notes: string[],
): ColumnSpec {
  if (asked === 'category') return inferColumn(target, texts, 'category').spec!
  const { spec } = inferColumn(target, texts, 'number')
  const bad = texts.find((text) => decodeNumber(text, spec!) === null)
  if (bad !== undefined && asked === undefined) {
    notes.push(`read the target ${target} as labels: ${misfit(bad, spec!)}`)
    return inferColumn(target, texts, 'category').spec!
  }
  if (bad !== undefined) {
    throw new Error(
      `${path}: the target "${target}" is not numeric: ${misfit(bad, spec!)}. Choose a numeric column as dataset.target`,
    )
  }
  if (texts.every((text) => Number.isNaN(decodeNumber(text, spec!)))) {
    throw new Error(`${path}: the target "${target}" has no value in the first ${texts.length} rows`)
  }
  return spec!
}

/** Numbers as they are; a date as its day number, year and month; a category as a one-hot slot. */
function genericFeatures(specs: readonly ColumnSpec[], target: string): Plan['features'] {
  const formulas: Formula[] = []
  const dense: string[] = []
  const slots: string[] = []
  for (const { name, kind } of specs) {
    if (name === target) continue
    if (kind === 'category') slots.push(name)
    else dense.push(name)
    if (kind === 'date') {
      const [inMonths, inYear, inMonth] = [`${name} (months)`, `${name} (year)`, `${name} (month)`]
      formulas.push({ name: inMonths, from: [name], fill: months })
      formulas.push({ name: inYear, from: [inMonths], fill: year })
      formulas.push({ name: inMonth, from: [inMonths], fill: month })
      dense.push(inYear, inMonth)
    }
  }
  return { formulas, dense, slots }
}
