/** The types of all columns of a data set, from what is declared and a sample of its rows. */

import { type ColumnSpec, DataError } from './columns.ts'
import { decodeNumber, misfit, shortened, strictNumber } from './decode.ts'
import { findColumns, suggest } from './header.ts'
import { decorationOf, inferColumn, MISSING, presentValues, specOf } from './infer.ts'
import { sampleRows } from './open.ts'
import type { ColumnDeclaration, ColumnKind, PreparedDataset } from './types.ts'

/** Types are inferred from so many rows at the start of the file, however few of them a trial handles. */
const SAMPLE_ROWS = 1000

/** What of a data set its types are found from. */
export type UntypedDataset = Omit<PreparedDataset, 'fingerprint' | 'rows' | 'ceiling_r2'>

export interface TypedColumns {
  /** Every column as declared or inferred, in file order. */
  schema: ReadonlyMap<string, ColumnDeclaration>
  /** The columns that are read, the target first. */
  specs: ColumnSpec[]
  target: string
  /** What the user should know, such as columns that were dropped. */
  notes: string[]
  /** The target is taken for labels since the sample has only 0 and 1, and nobody declared it. */
  zeroOrOne: boolean
}

/**
 * Takes the types that the preparation has found, or finds them.
 * @throws {DataError} where the target or a column named under `columns` is absent
 * @throws {Error} where no target is named or it has no value, or no other column is left
 */
export async function typedColumns(dataset: UntypedDataset): Promise<TypedColumns> {
  const { path, target } = dataset
  const { schema, notes, zeroOrOne } =
    dataset.schema === undefined
      ? await inferSchema(dataset)
      : { schema: new Map(Object.entries(dataset.schema)), notes: [], zeroOrOne: false }
  const missing = [...MISSING, ...(dataset.missing ?? [])]
  const specs: ColumnSpec[] = []
  for (const [name, declaration] of schema) {
    const spec = specOf(name, declaration, missing)
    if (spec === null) continue
    if (name === target) specs.unshift(spec)
    else specs.push(spec)
  }
  if (specs.length === 1) {
    throw new Error(
      `${path}: no column is left to learn from. ${notes.join('; ')}. Set types with dataset.columns`,
    )
  }
  return { schema, specs, target: target!, notes, zeroOrOne }
}

async function inferSchema(
  dataset: UntypedDataset,
): Promise<Pick<TypedColumns, 'schema' | 'notes' | 'zeroOrOne'>> {
  const { path, target } = dataset
  const columns = new Map(Object.entries(dataset.columns))
  const { header, records } = await sampleRows(dataset, SAMPLE_ROWS)
  if (target === null) {
    throw new Error(`${path}: name the column to predict as dataset.target. Columns: ${header.join(', ')}`)
  }
  findColumns(header, [target], path)
  for (const name of columns.keys()) {
    if (!header.includes(name)) {
      throw new DataError(`dataset.columns names "${name}"${suggest(name, header)}`, path, 1)
    }
  }
  const missing = [...MISSING, ...(dataset.missing ?? [])]
  const schema = new Map<string, ColumnDeclaration>()
  const notes: string[] = []
  let zeroOrOne = false
  for (const [at, name] of header.entries()) {
    const texts = records.map((record) => record[at]!)
    if (name === target) {
      const asked = columns.get(name)
      const values = presentValues(texts, (typeof asked === 'object' ? asked.missing : undefined) ?? missing)
      if (values.length === 0) {
        throw new Error(`${path}: the target "${name}" has no value in the first ${texts.length} rows`)
      }
      zeroOrOne = asked === undefined && areZeroAndOne(values)
      schema.set(
        name,
        asked === undefined
          ? guessTarget(name, values, notes)
          : declaredTarget(path, name, asked, values, missing),
      )
      continue
    }
    const { declaration, note } = inferColumn(name, texts, columns.get(name), missing)
    schema.set(name, declaration)
    if (note !== null) notes.push(note)
  }
  notes.push(
    `types of ${path}, to be given back under dataset if they should be fixed: columns: ${schemaText(schema)}`,
  )
  return { schema, notes, zeroOrOne }
}

function declaredTarget(
  path: string,
  target: string,
  asked: ColumnKind | ColumnDeclaration,
  values: readonly string[],
  missing: readonly string[],
): ColumnDeclaration {
  const { declaration } = inferColumn(target, values, asked, missing)
  if (declaration.kind === 'category') return declaration
  if (declaration.kind === 'boolean') return { kind: 'category' }
  if (declaration.kind !== 'number') {
    throw new Error(
      `${path}: the target "${target}" is declared as ${declaration.kind}: expected number, boolean or category`,
    )
  }
  const spec = specOf(target, declaration, missing)!
  const bad = values.find((value) => decodeNumber(value, spec) === null)
  if (bad === undefined) return declaration
  throw new Error(
    `${path}: the target "${target}" is not numeric: ${misfit(bad, spec)}. Choose a numeric column as dataset.target, or declare it a category`,
  )
}

/** The numbers 0 and 1, or one of them, each in one spelling: the usual labels of two classes. */
export function areZeroAndOne(values: readonly string[]): boolean {
  const distinct = [...new Set(values)]
  const numbers = new Set(distinct.map(Number))
  return numbers.size === distinct.length && distinct.every((value) => [0, 1].includes(Number(value)))
}

/**
 * A number where every value is a plain one, or one with a currency sign or %, other than 0 and 1 only; else a label:
 * what is predicted is not guessed at.
 */
function guessTarget(name: string, values: readonly string[], notes: string[]): ColumnDeclaration {
  const odd = values.find((value) => strictNumber(value) === null)
  if (odd === undefined && areZeroAndOne(values)) {
    notes.push(
      `read the target ${name} as labels (classification): it is 0 or 1; if it is a number, say dataset.columns: ${schemaText(new Map([[name, { kind: 'number' }]]))}`,
    )
    return { kind: 'category' }
  }
  if (odd === undefined) return { kind: 'number' }
  const around = decorationOf(values)
  const numbers = around?.values === values.length
  if (numbers && around.simple) {
    notes.push(`read the target ${name} as numbers: ${around.said}`)
    return { kind: 'number', ...around.declared }
  }
  const found = JSON.stringify(shortened(odd))
  const otherwise = numbers
    ? `; if it is one, say dataset.columns: ${schemaText(new Map([[name, { kind: 'number', ...around.declared }]]))}`
    : ''
  notes.push(`read the target ${name} as labels (classification): ${found} is no plain number${otherwise}`)
  return { kind: 'category' }
}

const PLAIN = /^[A-Za-z_][A-Za-z0-9_.-]*$/
/** Words that YAML reads as something else than text. */
const TAKEN = /^(?:true|false|null|yes|no|on|off|y|n|nan)$/i

/** A schema as one line of YAML that a sweep takes under `dataset.columns`. */
function schemaText(schema: ReadonlyMap<string, ColumnDeclaration>): string {
  const columns = [...schema].map(([name, declaration]) => {
    const { kind, ...rest } = declaration
    const said = Object.keys(rest).length === 0 ? kind : flow(declaration)
    return `${key(name)}: ${said}`
  })
  return `{ ${columns.join(', ')} }`
}

function flow(value: unknown): string {
  if (typeof value === 'string') return key(value)
  // JSON is YAML.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([name, inner]) => `${key(name)}: ${flow(inner)}`)
    .join(', ')} }`
}

function key(text: string): string {
  return PLAIN.test(text) && !TAKEN.test(text) ? text : JSON.stringify(text)
}
