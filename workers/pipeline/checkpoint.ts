/**
 * One run's checkpoints: which it continues from, when it writes one, what must be the same for both, and the file,
 * which is written whole or not at all.
 */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ChunkReader, Column } from '../data/columns.ts'
import type { PreparedDataset } from '../data/types.ts'
import type { WorkloadSettings } from '../workload.ts'
import { DATA_PARAMS, type PipelineParams } from './describe.ts'
import { givenOptions } from './learn/options.ts'
import type { Plan } from './plan.ts'
import { atParam, checkReplaceable } from './replaceable.ts'

type Settings = Pick<WorkloadSettings, 'mode' | 'batch_size'>

export class Checkpoints {
  /** Null: the run starts afresh. */
  readonly resumed: Checkpoint | null
  private readonly path: string | null
  private readonly every: number | null
  private readonly madeWith: Record<string, unknown>
  private rowsSince = 0
  private written = 0

  /**
   * Null where the parameters ask for none.
   * @param may what may be written: the throwaway instance that warms up leaves nothing behind
   * @throws {Error} in batch mode, or where the checkpoint cannot be read or is of another run
   */
  static for(
    params: PipelineParams,
    settings: Settings,
    dataset: PreparedDataset,
    plan: Plan,
    may: { write: boolean; overwrite?: boolean },
  ): Checkpoints | null {
    if (params.checkpoint_to === null && params.resume_from === null) {
      if (params.checkpoint_rows === null) return null
      throw atParam(
        'checkpoint_rows',
        'params.checkpoint_rows says how often, and params.checkpoint_to where to: give both',
      )
    }
    if (settings.mode === 'batch') {
      throw atParam(
        params.resume_from === null ? 'checkpoint_to' : 'resume_from',
        'checkpoints are for mode: streaming; batch mode learns only at the end: drop params.checkpoint_to and params.resume_from',
      )
    }
    return new Checkpoints(params, settings, dataset, plan, may)
  }

  private constructor(
    params: PipelineParams,
    settings: Settings,
    dataset: PreparedDataset,
    plan: Plan,
    { write, overwrite = false }: { write: boolean; overwrite?: boolean },
  ) {
    const { features, learner, label_delay, window, curve_points } = params
    this.madeWith = {
      columns: plan.specs.map(({ name, kind }) => `${name}: ${kind}`),
      target: plan.target,
      features,
      learner,
      ...givenOptions(params),
      batch_size: settings.batch_size,
      label_delay,
      window,
      curve_points,
      ...Object.fromEntries(Object.keys(DATA_PARAMS).map((name) => [name, params[name]])),
      declared_features: JSON.stringify(dataset.features ?? []),
      bad_values: dataset.bad_values ?? 'fail',
      positive: dataset.positive ?? null,
    }
    this.path = params.checkpoint_to === null || !write ? null : resolve(params.checkpoint_to)
    if (this.path !== null) checkReplaceable('checkpoint_to', this.path, overwrite ? null : CHECKPOINT_START)
    this.every = params.checkpoint_rows
    this.resumed = params.resume_from === null ? null : this.usable(params.resume_from, dataset)
  }

  /** @throws {Error} where it cannot be read, or is of another run */
  private usable(path: string, dataset: PreparedDataset): Checkpoint {
    try {
      const checkpoint = readCheckpoint(resolve(path))
      checkSame(path, checkpoint, this.madeWith)
      if (checkpoint.rows <= dataset.rows) return checkpoint
      throw new Error(
        `${path} was taken after ${checkpoint.rows} rows, and ${dataset.path} has ${dataset.rows}: it is another file`,
      )
    } catch (error) {
      throw atParam('resume_from', (error as Error).message, error)
    }
  }

  /** Call after each chunk. */
  isDue(rows: number, atEnd: boolean): boolean {
    this.rowsSince += rows
    return this.path !== null && (atEnd || (this.every !== null && this.rowsSince >= this.every))
  }

  /** @throws {Error} where the file cannot be written */
  write(rows: number, parts: Record<string, unknown>): void {
    writeCheckpoint(this.path!, { made_with: this.madeWith, rows, parts })
    this.rowsSince = 0
    this.written += 1
  }

  info(): Record<string, unknown> {
    return {
      ...(this.resumed !== null && { resumed_at_row: this.resumed.rows }),
      ...(this.path !== null && { checkpoints_written: this.written }),
    }
  }
}

// ---------------------------------------------------------------- the file

const FORMAT = 3
/** Of a checkpoint of any format. */
const CHECKPOINT_START = '{"stint_checkpoint":'

/** All that a run needs to go on. */
interface Checkpoint {
  /** What must be the same for the run that goes on, in names that a user knows. */
  made_with: Record<string, unknown>
  /** Data rows read. */
  rows: number
  /** The state of each part of the pipeline by name. */
  parts: Record<string, unknown>
}

/**
 * Replaces the file in one step: whatever happens, it holds either the old checkpoint or the new one.
 * @throws {Error} where it cannot be written
 */
function writeCheckpoint(path: string, checkpoint: Checkpoint): void {
  const draft = `${path}.${process.pid}.part`
  try {
    const file = openSync(draft, 'w')
    try {
      writeSync(file, JSON.stringify({ stint_checkpoint: FORMAT, ...checkpoint }))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
    syncFolder(dirname(path))
  } catch (error) {
    rmSync(draft, { force: true })
    throw new Error(`cannot write checkpoint ${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** @throws {Error} where there is no such file, or it is no checkpoint that this version reads */
export function readCheckpoint(path: string): Checkpoint {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`cannot read checkpoint ${path}: ${(error as Error).message}`, { cause: error })
  }
  const content = parsed(text)
  const { stint_checkpoint: format, made_with, rows, parts } = content
  if (format === undefined || !isObject(made_with) || !isObject(parts) || typeof rows !== 'number') {
    throw new Error(`${path} is no checkpoint: expected a file that a run wrote as params.checkpoint_to`)
  }
  if (format !== FORMAT) {
    throw new Error(
      `${path} is a checkpoint of format ${String(format)}, and this version reads ${FORMAT}: start afresh`,
    )
  }
  return { made_with, rows, parts }
}

/**
 * @param mine as `made_with`, of the run that is to go on
 * @throws {Error} naming every setting that differs
 */
function checkSame(path: string, checkpoint: Checkpoint, mine: Record<string, unknown>): void {
  const names = [...new Set([...Object.keys(checkpoint.made_with), ...Object.keys(mine)])]
  const differing = names.flatMap((name) => {
    const [then, now] = [JSON.stringify(checkpoint.made_with[name]), JSON.stringify(mine[name])]
    return then === now ? [] : [`${name} was ${then ?? 'absent'} and is ${now ?? 'absent'}`]
  })
  if (differing.length === 0) return
  throw new Error(
    `${path} is a checkpoint of another run: ${differing.join('; ')}. Set what differs back, or drop params.resume_from`,
  )
}

function parsed(text: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(text)
    return isObject(content) ? content : {}
  } catch {
    return {}
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** So that the new name survives a power cut; not every file system allows it. */
function syncFolder(path: string): void {
  let folder: number
  try {
    folder = openSync(path, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(folder)
  } catch {
    // The rename itself is done.
  } finally {
    closeSync(folder)
  }
}

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
