import { existsSync, mkdirSync, openSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RowBuffer } from '../../../workers/pipeline/features/row-buffer.ts'
import { RowQueue, RowStore } from '../../../workers/pipeline/spill/rows.ts'
import { removeDeadFolders, Segments, Spill, SpillError } from '../../../workers/pipeline/spill/spill.ts'
import { temporaryFolder } from '../pipeline/support.ts'
import { rowBuffer, rowsOf, SLOTS, WIDTH } from './rows.ts'

const SHAPE = { width: WIDTH, slots: SLOTS, blockRows: 8 }
/** A cap under which no block may stay in memory, and one under which about two may. */
const NO_BLOCK_MB = 1e-5
const TWO_BLOCKS_MB = 0.004

function spillInto(parent: string, capMb: number): Spill {
  const spill = new Spill(capMb, parent)
  onTestFinished(() => spill.close())
  return spill
}

function contentOf(store: RowStore): unknown[] {
  const rows: unknown[] = []
  store.forEach((block) => {
    rows.push(...rowsOf(block))
  })
  return rows
}

describe('a row store', () => {
  it.each([
    ['in memory', null, 0],
    ['on disk', NO_BLOCK_MB, 12],
    ['partly on disk', TWO_BLOCKS_MB, 10],
  ])('keeps rows in order and bit by bit, as often as they are read: %s', (_, capMb, blocks) => {
    const folder = temporaryFolder()
    const spill = capMb === null ? null : spillInto(folder, capMb)
    const store = new RowStore(SHAPE, spill)
    const source = rowBuffer(0, 103)
    for (let row = 0; row < 103; row += 1) store.add(source, row)
    expect(contentOf(store)).toEqual(rowsOf(source))
    expect(contentOf(store)).toEqual(rowsOf(source))
    expect(spill?.blocks ?? 0).toBe(blocks)
    spill?.close()
    expect(readdirSync(folder)).toEqual([])
  })

  it('keeps two stores of one spill apart', () => {
    const spill = spillInto(temporaryFolder(), TWO_BLOCKS_MB)
    const stores = [new RowStore(SHAPE, spill), new RowStore(SHAPE, spill)] as const
    const source = rowBuffer(0, 200)
    for (let row = 0; row < 200; row += 1) stores[row % 3 === 0 ? 1 : 0].add(source, row)
    const all = rowsOf(source)
    expect(contentOf(stores[0])).toEqual(all.filter((_row, i) => i % 3 !== 0))
    expect(contentOf(stores[1])).toEqual(all.filter((_row, i) => i % 3 === 0))
    expect(spill.blocks).toBeGreaterThan(15)
  })
})

describe('a row queue', () => {
  const moves = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 })), {
    maxLength: 60,
  })
  it.each([
    ['in memory', null],
    ['on disk', NO_BLOCK_MB],
    ['partly on disk', TWO_BLOCKS_MB],
  ])('gives rows back in the order in which they came: %s', (_, capMb) => {
    const folder = temporaryFolder()
    fc.assert(
      fc.property(moves, (steps) => {
        const spill = capMb === null ? null : new Spill(capMb, folder)
        try {
          const queue = new RowQueue(SHAPE, spill)
          let pushed = 0
          let shifted = 0
          for (const [more, fewer] of steps) {
            const source = rowBuffer(pushed, pushed + more)
            for (let row = 0; row < more; row += 1) queue.push(source, row)
            pushed += more
            const taken = Math.min(fewer, queue.length)
            const into = new RowBuffer(WIDTH, SLOTS)
            queue.shift(fewer, into)
            expect(rowsOf(into)).toEqual(rowsOf(rowBuffer(shifted, shifted + taken)))
            shifted += taken
            expect(queue.length).toBe(pushed - shifted)
          }
        } finally {
          spill?.close()
        }
      }),
      { numRuns: 60 },
    )
    expect(readdirSync(folder)).toEqual([])
  })

  it('removes the files of what was consumed', () => {
    const folder = temporaryFolder()
    const spill = spillInto(folder, NO_BLOCK_MB)
    const queue = new RowQueue(SHAPE, spill)
    const rows = 8 * 64 * 5
    const source = rowBuffer(0, rows)
    for (let row = 0; row < rows; row += 1) queue.push(source, row)
    const files = () => readdirSync(join(folder, readdirSync(folder)[0]!)).length
    expect(files()).toBe(5)
    const into = new RowBuffer(WIDTH, SLOTS)
    queue.shift(8 * 64 * 3, into)
    expect(files()).toBeLessThanOrEqual(3)
    queue.shift(rows, into)
    expect(rowsOf(into)).toEqual(rowsOf(source))
  })
})

describe('spill files', () => {
  it.runIf(existsSync('/dev/full'))('say that the disk is full, and what to do', () => {
    const segments = new Segments('/somewhere/store', SHAPE, () => openSync('/dev/full', 'r+'))
    expect(() => segments.append(rowBuffer(0, 8))).toThrow(SpillError)
    expect(() => segments.append(rowBuffer(0, 8))).toThrow(
      'cannot spill rows to /somewhere: the disk is full: free some space there, or set TMPDIR to a folder on another disk',
    )
  })

  it('say that a folder cannot be written', () => {
    const segments = new Segments(join(temporaryFolder(), 'gone', 'store'), SHAPE)
    expect(() => segments.append(rowBuffer(0, 8))).toThrow(/cannot spill rows to .*gone: ENOENT/)
  })

  it('that were cut short are noticed', () => {
    const folder = temporaryFolder()
    const segments = new Segments(join(folder, 'store'), SHAPE)
    onTestFinished(() => segments.close())
    segments.append(rowBuffer(0, 8))
    segments.append(rowBuffer(8, 16))
    truncateSync(join(folder, readdirSync(folder)[0]!), 500)
    const into = new RowBuffer(WIDTH, SLOTS)
    segments.read(0, into)
    expect(rowsOf(into)).toEqual(rowsOf(rowBuffer(0, 8)))
    expect(() => segments.read(1, into)).toThrow(
      /cannot read spilled rows from .*: the file ends at byte 500/,
    )
  })

  it('of a run that was killed are removed when the next one starts, those of living runs are not', () => {
    const folder = temporaryFolder()
    const living = spillInto(folder, NO_BLOCK_MB)
    living.segments(SHAPE).append(rowBuffer(0, 8))
    const [own] = readdirSync(folder)
    // A process id beyond what Linux hands out, and this one's with another start.
    for (const name of ['stint-spill-99999999-123-abcdef', `stint-spill-${process.pid}-1-abcdef`, 'other']) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'store-0-0000.rows'), 'rows')
    }
    spillInto(folder, NO_BLOCK_MB)
    expect(readdirSync(folder).sort()).toEqual(['other', own!].sort())
    expect(removeDeadFolders(folder)).toBe(0)
  })
})
