/** Standard input as a file, since several processes read the data. */
import { createWriteStream, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DatasetSpec, InputProblem } from '../../workers/protocol.ts'
import { STDIN } from '../sweep/dataset.ts'

const GZIP_MARK = [0x1f, 0x8b]
const OPENING_BRACE = '{'.charCodeAt(0)
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

/** Null where white space alone came so far. */
function endingOf(part: Buffer): string | null {
  if (GZIP_MARK.every((byte, i) => part[i] === byte)) return '.gz'
  const first = part.find((byte) => !WHITE_SPACE.has(byte))
  if (first === undefined) return null
  return first === OPENING_BRACE ? '.ndjson' : '.csv'
}
