/** The types of all columns of a data set, from what is declared and all of its values. */

import { MISSING, specOf } from './column-spec.ts'
import { type ColumnSpec, DataError } from './columns.ts'
import { decodeNumber, misfit } from './decode.ts'
import { findColumns, suggest } from './header.ts'
import { guessTarget, type Inferred, inferColumn } from './infer.ts'
import { decimalMark } from './number-writing.ts'
import type { ColumnProfile } from './profile.ts'
import type { Profiled } from './profile-file.ts'
import type { ColumnDeclaration, ColumnKind, PreparedDataset } from './types.ts'
import { key, schemaText } from './yaml-text.ts'

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
}

/** Notes on columns beyond so many are counted. */
const MOST_COLUMN_NOTES = 20
/** A table of more columns has too long a schema for a note. */
const MOST_LISTED_COLUMNS = 64

/** Loads what hashes a file, and Node's crypto for it, only where it is read: all that a trial loads counts as its memory. */
async function profileOf(dataset: UntypedDataset): Promise<Profiled> {
  return (await import('./profile-file.ts')).profileFile(dataset)
}

/**
 * Takes the types that the preparation has found, or finds them.
 * @param profiled what was read of the file, where it was
 * @throws {DataError} where the target or a column named under `columns` is absent
 * @throws {Error} where no target is named or it has no value, or no other column is left
 */
export async function typedColumns(dataset: UntypedDataset, profiled?: Profiled): Promise<TypedColumns> {
  const { path, target } = dataset
  const { schema, notes } =
    dataset.schema === undefined
      ? inferSchema(dataset, profiled ?? (await profileOf(dataset)))
      : { schema: new Map(Object.entries(dataset.schema)), notes: [] }
  const missing = [...MISSING, ...(dataset.missing ?? [])]
  const specs: ColumnSpec[] = []
  for (const [name, declaration] of schema) {
    const spec = specOf(name, declaration, missing)
    if (spec === null) continue
    if (name === target) specs.unshift(spec)
    else specs.push(spec)
  }
  if (specs.length === 1) {
    if (schema.size === 1)
      throw new Error(`${path}: ${target} is its only column, and there is nothing to learn it from`)
    throw new Error(
      `${path}: no column is left to learn from. ${notes.join('; ')}. Set types with dataset.columns`,
    )
  }
  return { schema, specs, target: target!, notes }
}

/** @throws {DataError} where no target is named, or a column that the user names is absent */
export function checkNames(
  { path, target, columns }: Pick<UntypedDataset, 'path' | 'target' | 'columns'>,
  header: readonly string[],
): void {
  if (target === null) {
    throw new Error(`${path}: name the column to predict as dataset.target. Columns: ${header.join(', ')}`)
  }
  findColumns(header, [target], path)
  for (const name of Object.keys(columns)) {
    if (!header.includes(name)) {
      throw new DataError(`dataset.columns names "${name}"${suggest(name, header)}`, path, 1)
    }
  }
}

/** A table may have thousands of columns. */
const MOST_TARGETS = 20

/** The columns that could be predicted, each with what its values are; the others by name. */
export function possibleTargets(
  { dialect = {} }: Pick<UntypedDataset, 'dialect'>,
  { header, profiles }: Profiled,
): string {
  const decimal = dialect.decimal ?? decimalMark(profiles.values(), dialect.separator ?? ',')
  const fit: string[] = []
  const others: string[] = []
  for (const name of header) {
    const profile = profiles.get(name)
    const kind = profile === undefined ? 'drop' : inferColumn(profile, undefined, decimal).declaration.kind
    const { distinct = 0 } = profile ?? {}
    if (kind === 'number') fit.push(`${name} (numbers)`)
    else if ((kind === 'category' || kind === 'boolean') && distinct > 1)
      fit.push(`${name} (${distinct} labels)`)
    else others.push(name)
  }
  if (fit.length === 0) return `Columns: ${few(header)}`
  return `Columns that could be it: ${few(fit)}${others.length === 0 ? '' : `; the others: ${few(others)}`}`
}

function few(names: readonly string[]): string {
  const more = names.length - MOST_TARGETS
  return more > 0 ? `${names.slice(0, MOST_TARGETS).join(', ')} and ${more} more` : names.join(', ')
}

function inferSchema(
  dataset: UntypedDataset,
  { header, profiles }: Profiled,
): Pick<TypedColumns, 'schema' | 'notes'> {
  const { path, target, dialect = {} } = dataset
  const columns = new Map(Object.entries(dataset.columns))
  checkNames(dataset, header)
  const found = decimalMark(profiles.values(), dialect.separator ?? ',')
  const decimal = dialect.decimal ?? found
  const missing = [...MISSING, ...(dataset.missing ?? [])]
  const schema = new Map<string, ColumnDeclaration>()
  const noteOf = new Map<string, string>()
  const spare = new Map<string, ColumnDeclaration>()
  for (const name of header) {
    const asked = columns.get(name)
    const profile = profiles.get(name)
    const { declaration, note, otherwise }: Inferred =
      profile === undefined
        ? { declaration: complete(asked!), note: null }
        : name === target && asked === undefined
          ? within(path, () => guessTarget(profile, decimal))
          : inferColumn(profile, asked, decimal)
    if (name === target && profile !== undefined && profile.present === 0) {
      throw new Error(`${path}: the target "${name}" has no value in any of its ${profile.rows} rows`)
    }
    schema.set(name, name === target ? asTarget(path, name, declaration, profile, missing) : declaration)
    if (otherwise !== undefined) spare.set(name, otherwise)
    if (note !== null) noteOf.set(name, note)
  }
  // Who drops columns decides which are left.
  const drops = [...columns.values()].some((asked) => complete(asked).kind === 'drop')
  if (!drops) useSpare(schema, spare, target!, noteOf)
  const notes = [...noteOf.values()]
  const more = notes.length - MOST_COLUMN_NOTES
  const said = more > 0 ? [...notes.slice(0, MOST_COLUMN_NOTES), `and ${more} more notes on columns`] : notes
  const written = dialect.decimal === undefined && decimal === ',' ? ['decimal: ","'] : []
  return { schema, notes: [...said, typesNote(path, schema, written)] }
}

/** Uses what would be dropped where nothing else is left to learn from. */
function useSpare(
  schema: Map<string, ColumnDeclaration>,
  spare: ReadonlyMap<string, ColumnDeclaration>,
  target: string,
  noteOf: Map<string, string>,
): void {
  const left = [...schema].some(([name, { kind }]) => name !== target && kind !== 'drop')
  if (left || spare.size === 0) return
  for (const [name, declaration] of spare) {
    schema.set(name, declaration)
    noteOf.set(name, `used ${name} as ${declaration.kind}: no other column is left to learn from`)
  }
}

/** An error of `found` names the file. */
function within<T>(path: string, found: () => T): T {
  try {
    return found()
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

function complete(asked: ColumnKind | ColumnDeclaration): ColumnDeclaration {
  return typeof asked === 'string' ? { kind: asked } : asked
}

function typesNote(
  path: string,
  schema: ReadonlyMap<string, ColumnDeclaration>,
  written: readonly string[],
): string {
  if (schema.size > MOST_LISTED_COLUMNS) {
    const kinds = new Map<string, number>()
    for (const { kind } of schema.values()) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    const counts = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')
    return `types of the ${schema.size} columns of ${path}: ${counts}`
  }
  const said = [...written, `columns: ${schemaText(schema)}`].join(', ')
  return `types of ${path}, to be given back under dataset if they should be fixed: ${said}`
}

function asTarget(
  path: string,
  target: string,
  declaration: ColumnDeclaration,
  profile: ColumnProfile | undefined,
  missing: readonly string[],
): ColumnDeclaration {
  if (declaration.kind === 'category') return declaration
  if (declaration.kind === 'boolean') return { kind: 'category' }
  if (declaration.kind !== 'number') {
    throw new Error(
      `${path}: the target "${target}" is declared as ${declaration.kind}: expected number, boolean or category`,
    )
  }
  if (profile === undefined || profile.numbers.count > 0) return declaration
  const spec = specOf(target, declaration, missing)!
  const texts = profile.spellings().map(({ text }) => text)
  if (texts.some((text) => decodeNumber(text, spec) !== null)) return declaration
  throw new Error(
    `${path}: the target "${target}" is not numeric: ${misfit(texts[0] ?? '', spec)}. Choose a numeric column as dataset.target, or declare it a category: dataset.columns: { ${key(target)}: category }`,
  )
}
