/** The sweep that a data file stands for: what `stint run FILE` runs and `stint init` writes. */
import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { isBrokerUrl } from '../../workers/brokers/address.ts'
import type { InputProblem } from '../../workers/protocol/prepare.ts'
import { wholeNumber } from '../format.ts'
import { UserError } from '../user-error.ts'
import { STDIN } from './dataset.ts'
import type { Mapping } from './document.ts'

const DATA_ENDING = /\.(?:csv|tsv|tab|txt|dat|data|json|jsonl|ndjson)$/i
const PACKED = /\.gz$/i
const SWEEP_ENDING = /\.ya?ml$/i

/** Whether words of the command line name data and no sweep; a sweep may also be JSON, which `target` tells apart. */
export function namesData(path: string, target: string | null): boolean {
  if (path === STDIN || isBrokerUrl(path) || PACKED.test(path)) return true
  return target === null ? DATA_ENDING.test(path) && !/\.json$/i.test(path) : !SWEEP_ENDING.test(path)
}

const MB = 2 ** 20
/** A first look at a larger file takes its first rows only. */
const LARGE_BYTES = 4 * MB
const LARGE_PACKED_BYTES = 1 * MB
const FIRST_ROWS = 20_000

export interface Starter {
  /** What the YAML of a sweep in the data's own folder would hold. */
  data: Mapping
  /** Set where the sweep takes only so many rows, since the file is large. */
  rows: number | null
}

/**
 * A small grid: a model update per 16 or per 128 rows, with a quarter of a core and with a whole one.
 * @param path of the data, `-`, or a URL of a stream or topic
 * @throws {UserError} where there is no such file
 */
export function starterSweep(path: string): Starter {
  const isFile = path !== STDIN && !isBrokerUrl(path)
  const rows = isFile && isLarge(path) ? FIRST_ROWS : null
  const data = {
    name: nameFor(path),
    dataset: { source: isFile ? basename(path) : path, ...(rows !== null && { rows }) },
    grid: { batch_size: [16, 128], max_compute_units: [0.25, 1] },
    benchmark_runs: 5,
    compare: { reference: { max_compute_units: 1 } },
  }
  return { data, rows }
}

export function limitedTo(rows: number): string {
  return `only the first ${wholeNumber(rows)} rows are used, since the file is large; dataset.rows takes more`
}

function isLarge(path: string): boolean {
  const file = statSync(path, { throwIfNoEntry: false })
  if (file === undefined) throw new UserError(`${path}: no such file`, 'check the path')
  if (file.isDirectory())
    throw new UserError(`${path}: is a folder, expected a data file`, 'name a file in it')
  return file.size > (PACKED.test(path) ? LARGE_PACKED_BYTES : LARGE_BYTES)
}

const LONGEST_NAME = 64

/** Of the sweep: the file's name without its endings, in the characters that a name may have. */
function nameFor(path: string): string {
  if (path === STDIN) return 'stdin'
  const stem = basename(path).replace(PACKED, '').replace(DATA_ENDING, '')
  const name = stem
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .slice(0, LONGEST_NAME)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
  return name === '' ? 'data' : name
}

/** Problems are told in a sweep's words; whoever names a data file has written none. */
export function inRunWords({ message, hint, ...rest }: InputProblem): InputProblem {
  const word = (text: string) =>
    text
      .replaceAll('dataset.target', '--target')
      .replaceAll('say "caps: best_effort" in the sweep', 'say --set caps=best_effort')
      .replaceAll(/\bset (dataset\.columns\.\S+) to (\w+)/g, 'say --set $1=$2')
      .replaceAll(/\bset (dataset\.\w+) to (\w+)/g, 'say --set $1=$2')
  return { ...rest, message: word(message), ...(hint !== undefined && { hint: word(hint) }) }
}
