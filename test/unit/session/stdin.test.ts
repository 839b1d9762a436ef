import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { withStdinAsFile } from '../../../harness/session/inputs.ts'
import type { DatasetSpec } from '../../../workers/protocol/prepare.ts'

const asked = (path: string): DatasetSpec => ({
  kind: 'file',
  path,
  preset: null,
  target: null,
  columns: {},
  rows: null,
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'stint-test-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

it.each([
  ['stdin.csv', Buffer.from('a,b\n1,2\n')],
  ['stdin.ndjson', Buffer.from('\ufeff\n {"a":1}\n')],
  ['stdin.gz', gzipSync('a,b\n1,2\n')],
])('standard input becomes %s, whole, for every dataset that asks', async (name, bytes) => {
  const into = folder()
  const stream = Readable.from([bytes.subarray(0, 5), bytes.subarray(5)])
  const datasets = await withStdinAsFile([asked('-'), asked('/x.csv'), asked('-')], into, stream)
  const path = join(into, name)
  expect(datasets).toEqual([asked(path), asked('/x.csv'), asked(path)])
  expect(readFileSync(path)).toEqual(bytes)
})

it('is left alone where no dataset asks, and refused on a terminal', async () => {
  expect(await withStdinAsFile([asked('/x.csv')], '/none', Readable.from([]))).toEqual([asked('/x.csv')])
  const terminal = Object.assign(Readable.from([]), { isTTY: true })
  expect(await withStdinAsFile([asked('-')], '/none', terminal)).toMatchObject({
    message: expect.stringContaining('terminal'),
  })
})
