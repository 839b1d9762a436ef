/** A run folder as every command after `run` reads it. */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ChunkLogLine, TrialResult } from '../../workers/protocol/trial-result.ts'
import { forcedWords, resumedByForce } from '../analyse/values.ts'
import { UserError } from '../user-error.ts'
import { eachTrial, leftOutNotes } from './journal.ts'
import { readManifest } from './manifest.ts'
import { journalPath } from './run-folder.ts'
import { chunkSchema, problemOf } from './schema.ts'
import type { Manifest } from './types.ts'

/** What a run folder says, in the newest format, whichever it was written in. */
export interface RecordedRun {
  /** As the user gave it. */
  path: string
  /** Absolute, links resolved. */
  folder: string
  /** What people call it: `<sweep>/<folder>`. */
  name: string
  manifest: Manifest
  /** Of the run's scenarios, each once, in the journal's order. */
  trials: readonly TrialResult[]
  /** Those that `stint resume --force` ran under other conditions; empty where they are among `trials`. */
  forced: readonly TrialResult[]
  /** What of the journal was left out, and why. */
  notes: readonly string[]
}

export interface OpenOptions {
  /** Counts trials that `stint resume --force` ran under other conditions with the others; false where absent. */
  includeForced?: boolean
}

/**
 * @param path the run folder, or a link to it such as `latest`
 * @throws {UserError} with one message for the user where it is no run folder, or one that cannot be used
 */
export function openRun(path: string, { includeForced = false }: OpenOptions = {}): RecordedRun {
  const folder = resolveRunFolder(path)
  const written = readManifest(folder)
  const all: TrialResult[] = []
  const notes = eachTrial(journalPath(folder), written, (trial) => all.push(trial))
  const manifest = written.sweep.search === null ? written : ofTriedValues(written, all)
  const name = `${manifest.sweep.name}/${basename(folder)}`
  const forced = includeForced ? [] : resumedByForce(all)
  if (forced.length === 0) return { path, folder, name, manifest, trials: all, forced, notes }
  const { ran, changes } = forcedWords(forced)
  const trials = all.filter((trial) => !forced.includes(trial))
  const note = `${ran} and ${forced.length === 1 ? 'is' : 'are'} left out: ${changes}; --include-forced counts ${forced.length === 1 ? 'it' : 'them'}`
  return { path, folder, name, manifest, trials, forced, notes: [...notes, note] }
}

/** Until a search is over, its manifest holds every value that it may try. */
export function ofTriedValues(manifest: Manifest, trials: readonly TrialResult[]): Manifest {
  const tried = new Set(trials.map(({ scenario }) => scenario))
  const scenarios = manifest.sweep.scenarios.filter(({ id }) => tried.has(id))
  return { ...manifest, sweep: { ...manifest.sweep, scenarios } }
}

/** The run folder that a user means: the folder itself, or what a `latest` link points to. */
export function resolveRunFolder(path: string): string {
  if (!existsSync(path)) throw new UserError(`${path}: no such run folder`)
  return realpathSync(path)
}

/**
 * The chunks of one trial, in order; none where they were not logged. Lines that are no chunk are left out, and so is
 * what a crash left of the last one.
 * @returns with one sentence for each reason why lines were left out, by file and line number
 */
export function readChunkLog(folder: string, trial: string): { chunks: ChunkLogLine[]; notes: string[] } {
  const file = join('chunks', `${trial}.jsonl`)
  const path = join(folder, file)
  if (!existsSync(path)) return { chunks: [], notes: [] }
  const chunks: ChunkLogLine[] = []
  const leftOut = new Map<string, number[]>()
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').slice(0, -1).entries()) {
    const read = readChunk(line)
    if (typeof read === 'string') leftOut.set(read, [...(leftOut.get(read) ?? []), index + 1])
    else chunks.push(read)
  }
  return { chunks, notes: leftOutNotes(file, leftOut) }
}

/** @returns the chunk, or what is wrong with the line */
function readChunk(line: string): ChunkLogLine | string {
  let written: unknown
  try {
    written = JSON.parse(line)
  } catch {
    return 'not a JSON line'
  }
  const checked = chunkSchema.safeParse(written)
  return checked.success ? checked.data : `not a chunk: ${problemOf(checked.error)}`
}
