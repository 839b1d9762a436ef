/** What a run takes in besides the sweep: code and data that must stay as they are, and standard input, as a file. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DatasetSpec, InputProblem } from '../../workers/protocol/prepare.ts'
import type { WorkloadSource } from '../../workers/protocol/trial-spec.ts'
import { hashWorkload, workloadFiles } from '../execute/workload-code.ts'
import { STDIN } from '../sweep/dataset.ts'
import { workloadName } from '../sweep/paths.ts'

// ---------------------------------------------------------------- what must stay as it was while a run goes on

interface Watched {
  /** In words. */
  what: string
  files: { path: string; stamp: string | null }[]
  sha256: string
  hash(): Promise<string>
}

/** The files that a run's trials depend on. A file is read again only where its time or size is another. */
export class WatchedInputs {
  private readonly watched: readonly Watched[]

  /**
   * @param workload with the hash of its code, and `data` with that of each file, as they were read
   * @param since when reading began, ms since 1970: what was written later may be other than what was read
   */
  constructor(
    workload: { source: WorkloadSource; sha256: string },
    data: readonly { path: string; sha256: string }[],
    since: number,
  ) {
    const files = (paths: readonly string[]) =>
      paths.map((path) => ({ path, stamp: stampOf(path, since - CLOCK_STEP_MS) }))
    this.watched = [
      {
        what: `the code of workload ${workloadName(workload.source)}`,
        files: files(workloadFiles(workload.source)),
        sha256: workload.sha256,
        hash: async () => hashWorkload(workload.source),
      },
      ...data.map(({ path, sha256 }) => ({
        what: path,
        files: files([path]),
        sha256,
        hash: () => hashFile(path),
      })),
    ]
  }

  /**
   * What is not as it was, in words; null for nothing. A file that is gone does not count: a trial that needs it fails
   * and says so.
   */
  async changed(): Promise<string | null> {
    for (const { what, files, sha256, hash } of this.watched) {
      const stamps = files.map(({ path }) => stampOf(path))
      if (stamps.includes(GONE) || files.every(({ stamp }, i) => stamp === stamps[i])) continue
      if ((await hash()) !== sha256) return what
      for (const [i, file] of files.entries()) file.stamp = stamps[i]!
    }
    return null
  }
}

const GONE = 'gone'
/** Times of files come from a clock that steps. */
const CLOCK_STEP_MS = 20

/** Tells two states of a file apart without reading it; null where it was written after `before`, ms since 1970. */
function stampOf(path: string, before = Number.POSITIVE_INFINITY): string | null {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return GONE
  return stat.ctimeMs > before ? null : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Buffer)
  return hash.digest('hex')
}

// ---------------------------------------------------------------- standard input: several processes read it

const GZIP_MARK = [0x1f, 0x8b]
const JSON_STARTS = [...'{['].map((c) => c.charCodeAt(0))
const WHITE_SPACE = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])

/** The datasets, with standard input written to `folder`, in constant memory, where one of them asks for it. */
export async function withStdinAsFile(
  datasets: readonly DatasetSpec[],
  folder: string,
  stdin: Readable & { isTTY?: boolean } = process.stdin,
): Promise<DatasetSpec[] | InputProblem> {
  const asks = (dataset: DatasetSpec) => dataset.kind === 'file' && dataset.path === STDIN
  if (!datasets.some(asks)) return [...datasets]
  if (stdin.isTTY === true) {
    return {
      message: 'dataset.source is -, and standard input is a terminal',
      hint: 'pipe the data in, such as: zcat data.csv.gz | stint run sweep.yaml',
    }
  }
  const path = await written(stdin, folder)
  return datasets.map((dataset) => (asks(dataset) ? { ...dataset, path } : dataset))
}

/** The file's name says what its first bytes do: packed, events, or CSV. */
async function written(stdin: Readable, folder: string): Promise<string> {
  const unnamed = join(folder, 'stdin')
  let ending: string | null = null
  async function* looked(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of parts) {
      ending ??= endingOf(part)
      yield part
    }
  }
  await pipeline(stdin, looked, createWriteStream(unnamed))
  const path = unnamed + (ending ?? '.csv')
  renameSync(unnamed, path)
  return path
}

/** Null where only white space came so far. */
function endingOf(part: Buffer): string | null {
  if (GZIP_MARK.every((byte, i) => part[i] === byte)) return '.gz'
  const first = part.find((byte) => !WHITE_SPACE.has(byte))
  if (first === undefined) return null
  return JSON_STARTS.includes(first) ? '.ndjson' : '.csv'
}
