/** Writes the engineered rows to a file for other tools. */
import { closeSync, openSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { threadId } from 'node:worker_threads'
import { csvField, csvLine } from '../data/csv-text.ts'
import type { OneHotState } from './features/one-hot.ts'
import type { FeatureTable } from './features/table.ts'
import type { FeatureBatch } from './learn/learner.ts'
import { atParam, checkReplaceable } from './replaceable.ts'

/** Text that waits to be written, in UTF-16 units: all that the sink holds, however long the stream. */
const LARGEST_TEXT = 1 << 16

interface SinkShape {
  features: Pick<FeatureTable, 'dense' | 'slots'>
  target: string
}

/**
 * CSV by RFC 4180 with lines ending in LF: a column a dense feature, then one a categorical slot, then the target.
 * A number reads back to the same bits; a number or category without a value is an empty field. A value that shares
 * a hashed one-hot column stands as that column, `#` and its number. Text that starts like a formula has an apostrophe in
 * front, since such files are opened in spreadsheets and the data may come from anywhere.
 *
 * The file takes its name when the run has ended, so that it is whole or absent.
 */
export class FeatureSink {
  rows = 0
  private readonly path: string
  private readonly draft: string
  private file: number | null
  private text: string
  /** By one-hot index: the field. */
  private categories: string[] = []

  /**
   * @param input the file that is read, which must not be replaced
   * @throws {Error} as `featuresFile`, and where the file cannot be made
   */
  constructor(path: string, input: string, shape: SinkShape) {
    const file = featuresFile(path, input, shape)
    this.path = file.path
    this.text = file.header
    // Trials of one sweep may run at the same time, and two cells in one process.
    this.draft = `${this.path}.${process.pid}.${threadId}.part`
    this.file = this.tried(() => openSync(this.draft, 'w'))
  }

  /**
   * Appends rows `from` to `to`.
   * @param oneHot what the indexes stand for; asked only where there are new ones
   * @param labels by class index; null where the target is a number
   * @throws {Error} where the file cannot be written
   */
  append(
    batch: FeatureBatch,
    from: number,
    to: number,
    oneHot: { readonly size: number; toJSON(): OneHotState },
    labels: readonly string[] | null,
  ): void {
    if (oneHot.size > this.categories.length) {
      this.categories = oneHot.toJSON().map(([, value]) => field(value))
    }
    const { width, slots, dense, hot, target } = batch
    const { categories } = this
    for (let row = from; row < to; row += 1) {
      let line = ''
      for (let at = row * width; at < (row + 1) * width; at += 1) line += `${csvField(dense[at]!)},`
      for (let at = row * slots; at < (row + 1) * slots; at += 1) {
        const index = hot[at]!
        line += index < 0 ? ',' : `${categories[index]!},`
      }
      const y = target[row]!
      this.text += `${line}${labels === null ? csvField(y) : field(labels[y]!)}\n`
      if (this.text.length >= LARGEST_TEXT) this.flush()
    }
    this.rows += to - from
  }

  /** Gives the file its name. */
  finish(): void {
    this.flush()
    this.tried(() => {
      closeSync(this.file!)
      this.file = null
      renameSync(this.draft, this.path)
    })
  }

  /** What was not finished leaves no file. */
  close(): void {
    if (this.file === null) return
    closeSync(this.file)
    this.file = null
    rmSync(this.draft, { force: true })
  }

  private flush(): void {
    this.tried(() => writeFileSync(this.file!, this.text))
    this.text = ''
  }

  private tried<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      rmSync(this.draft, { force: true })
      throw new Error(`cannot write features ${this.path}: ${(error as Error).message}`, { cause: error })
    }
  }
}

/**
 * Where the rows go, and the line above them.
 * @throws {Error} where it is the input itself, or is there with other content
 */
export function featuresFile(
  name: string,
  input: string,
  { features, target }: SinkShape,
  overwrite = false,
): { path: string; header: string } {
  const path = resolve(name)
  if (realPath(path) === realPath(resolve(input)))
    throw atParam('features_to', `params.features_to is the data itself, ${path}: name another file`)
  const header = csvLine([...features.dense, ...features.slots, target], true)
  checkReplaceable('features_to', path, overwrite ? null : header)
  return { path, header }
}

/** Text that is a number stays one. */
function field(text: string): string {
  return csvField(text, true)
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
