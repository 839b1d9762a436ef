/** Writes a first sweep for a data file, with what was found in it. */
import { existsSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { isBrokerUrl } from '../workers/brokers/address.ts'
import type { PreparedDataset } from '../workers/data/types.ts'
import type { Executor } from './execute/executor.ts'
import { count, plain } from './format.ts'
import { makeOwnedFolder } from './ownership/leftovers.ts'
import { packageFolder } from './package-folder.ts'
import { writeAtomically } from './record/atomic.ts'
import { checkWritable } from './record/run-folder.ts'
import { STDIN } from './sweep/dataset.ts'
import { sweepOfFile } from './sweep/load.ts'
import { workloadMode } from './sweep/realtime.ts'
import { SETTING_MEANINGS } from './sweep/settings.ts'
import { inRunWords, limitedTo, starterSweep } from './sweep/starter.ts'
import { UserError, userErrorFrom } from './user-error.ts'

export interface InitOptions {
  /** Column to predict; needed unless a preset fits the columns. */
  target?: string
  /** The file to write; the data's name with .yaml, in the current folder, where none is given. */
  out?: string
  /** Replaces a file that is there. */
  force?: boolean
}

export interface WrittenSweep {
  /** Absolute. */
  path: string
  /** What was found in the data, such as columns that are left out. */
  notes: string[]
}

/**
 * @param source path of the data
 * @param start called once all words are known to be right
 * @throws {UserError} where the data cannot be used, or the file is there already or cannot be written
 */
export async function writeStarter(
  source: string,
  { target, out, force = false }: InitOptions,
  start: () => Executor,
): Promise<WrittenSweep> {
  if (source === STDIN)
    throw new UserError('-: a sweep needs data that can be read again', 'save standard input to a file first')
  const { sweep } = sweepOfFile(source, target === undefined ? {} : { target })
  const { settings } = sweep.scenarios[0]!
  const path = resolve(out ?? `${sweep.name}.yaml`)
  checkTarget(path, out ?? `${sweep.name}.yaml`, force)
  const folder = makeOwnedFolder()
  try {
    const prepared = await start().prepare({
      workload: sweep.workload,
      datasets: [sweep.scenarios[0]!.dataset!],
      uses: [[{ params: {}, settings: { mode: workloadMode(settings), batch_size: settings.batch_size } }]],
      data_dir: folder,
    })
    if (!prepared.ok) throw userErrorFrom(inRunWords(prepared.error))
    const notes = prepared.notes.filter((note) => !note.startsWith('types of '))
    writeAtomically(path, starterText(source, path, prepared.datasets[0]!, notes))
    return { path, notes }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function checkTarget(path: string, shown: string, force: boolean): void {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) throw new UserError(`${shown}: is a folder; --out needs a file`)
    if (!force)
      throw new UserError(
        `${shown}: is there already`,
        'name another file by --out, or replace it by --force',
      )
  }
  checkWritable(dirname(path))
  if (!existsSync(dirname(path))) throw new UserError(`${dirname(path)}: no such folder`, 'make it first')
}

/** A table of more columns is listed in part: the sweep is to be read. */
const MOST_COLUMNS = 200

function starterText(
  source: string,
  path: string,
  dataset: PreparedDataset,
  notes: readonly string[],
): string {
  const { data, rows } = starterSweep(source)
  const { target, preset, schema, fingerprint } = dataset
  const found = `${count(fingerprint.rows, 'row')} and ${count(fingerprint.columns.length, 'column')}`
  const from = isBrokerUrl(source) ? source : relative(dirname(path), resolve(source)).split(sep).join('/')
  const { grid, benchmark_runs, compare } = data as {
    grid: Record<string, unknown>
    benchmark_runs: number
    compare: unknown
  }
  const lines = [
    `# yaml-language-server: $schema=${schemaPath(dirname(path))}`,
    comment(`A first sweep for ${source}, which has ${found}.`),
    `name: ${yaml(data['name'])}`,
    'dataset:',
    `  source: ${yaml(from)}`,
    ...(preset !== null ? [`  preset: ${yaml(preset)}`] : [`  target: ${yaml(target)}`]),
    ...(rows === null
      ? dataset.rows < fingerprint.rows
        ? [`  rows: ${dataset.rows} ${comment('without what sums them up at the end')}`]
        : []
      : [`  rows: ${rows} ${comment(limitedTo(rows))}`]),
    ...(schema === undefined ? [] : columnLines(schema)),
    ...(notes.length === 0
      ? []
      : ['', '# What was found in the data:', ...notes.map((note) => comment(`- ${note}`))]),
    '',
    '# The grid: every combination of these values is a scenario.',
    'grid:',
    ...Object.entries(grid).map(
      ([key, values]) => `  ${key}: ${yaml(values)} ${comment(SETTING_MEANINGS[key] ?? '')}`,
    ),
    '  # params.learner: [...] would compare learners; "stint params" lists them with their options',
    `benchmark_runs: ${benchmark_runs} ${comment(SETTING_MEANINGS['benchmark_runs'] ?? '')}`,
    '',
    '# Which scenarios the others are compared with.',
    `compare: ${yaml(compare)}`,
  ]
  return `${lines.join('\n')}\n`
}

/** Types as they were found, to be taken over by whoever wants them to stay. */
function columnLines(schema: NonNullable<PreparedDataset['schema']>): string[] {
  const all = Object.entries(schema)
  const listed = all.slice(0, MOST_COLUMNS).map(([name, { kind, ...rest }]) => {
    const said = Object.keys(rest).length === 0 ? kind : { kind, ...rest }
    return `  #   ${yaml(name)}: ${yaml(said)}`
  })
  const more = all.length - listed.length
  return [
    '  # Types as they were found; "drop" is left out. Without the # they are fixed, and may be changed:',
    '  # columns:',
    ...listed,
    ...(more > 0 ? [`  #   and ${count(more, 'column')} more`] : []),
  ]
}

/** A text that is itself in YAML, in a list or a mapping too. */
const PLAIN = /^[\p{L}_](?:[\p{L}\p{N}_./ -]*[\p{L}\p{N}_/])?$/u
/** Words that YAML, of one version or another, reads as something else than text. */
const TAKEN = /^(?:true|false|null|yes|no|on|off|y|n|nan)$/i
/** What YAML takes only escaped, and JSON as it is. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

/** On one line, as YAML takes it for a key or a value. */
function yaml(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) && !TAKEN.test(value) ? value : quoted(value)
  if (Array.isArray(value)) return `[${value.map(yaml).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value).map(([key, inner]) => `${yaml(key)}: ${yaml(inner)}`)
  return `{ ${entries.join(', ')} }`
}

/** JSON is YAML, but for some characters. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function comment(text: string): string {
  return `# ${plain(text)}`
}

const SCHEMA = 'scenarios/sweep.schema.json'

/** Where an editor finds the schema: in the project that holds the sweep, or else where Stint is installed. */
function schemaPath(folder: string): string {
  for (let above = folder; ; above = dirname(above)) {
    const installed = join(above, 'node_modules', 'stint', SCHEMA)
    if (existsSync(installed))
      return `./${relative(folder, installed).split(sep).join('/')}`.replace('./../', '../')
    if (above === dirname(above)) return join(packageFolder(), SCHEMA)
  }
}
