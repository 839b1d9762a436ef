import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { loadSweep } from '../../../harness/sweep/load.ts'
import { SweepError } from '../../../harness/sweep/problems.ts'
import { knownKeys } from '../../../harness/sweep/schema.ts'
import { CORES, folderWith } from './sweep-file.ts'

/** One takes some ten ms. */
const RUNS = process.env['STINT_FULL'] === '1' ? 1000 : 100

/** Loads, or is refused with a place for every problem; never anything else. */
function loadsOrIsRefused(path: string, set: string[] = []): void {
  try {
    expect(loadSweep(path, { set }, { cores: CORES }).sweep.scenarios.length).toBeGreaterThan(0)
  } catch (error) {
    if (!(error instanceof SweepError)) throw error
    expect(error.problems.length).toBeGreaterThan(0)
    for (const { message } of error.problems) expect(message).toMatch(/^(.*sweep\.yaml:\d+:\d+|--set .*): /s)
  }
}

const key = fc.constantFrom(...knownKeys([]), ...knownKeys(['grid']), ...knownKeys(['dataset']), 'params.x')
const near = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(1, 64, 0.5, 'edge', 'nba2k', 'batch', null, true, 'pipeline', '2%'),
  },
  fc.jsonValue({ maxDepth: 2 }),
)
const mapping = fc.dictionary(key, fc.oneof(near, fc.array(near, { maxLength: 3 })), { maxKeys: 4 })
const value = fc.oneof(near, mapping, fc.array(fc.oneof(near, mapping), { maxLength: 3 }))

describe('whatever is in the file', () => {
  let path: string
  beforeEach(() => {
    path = join(folderWith({}), 'sweep.yaml')
  })

  it('loads or is refused: text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'a:- []{},&*!\n\t"|>#?') })),
        (text) => {
          writeFileSync(path, text)
          loadsOrIsRefused(path)
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('loads or is refused: mappings that look like sweeps', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 6 }), (document) => {
        writeFileSync(path, JSON.stringify({ name: 'a', ...document }))
        loadsOrIsRefused(path)
      }),
      { numRuns: RUNS },
    )
  })

  it('loads or is refused: overrides', () => {
    writeFileSync(
      path,
      'name: a\ngrid: { chunk_size: [1, 2] }\nparams: { x: 1 }\ncompare: { reference: null }\n',
    )
    const head = fc.constantFrom('', 'grid.', 'params.', 'dataset.', 'compare.reference.', 'include.')
    const set = fc.tuple(head, key, value).map(([at, name, given]) => `${at}${name}=${JSON.stringify(given)}`)
    fc.assert(
      fc.property(fc.array(set, { maxLength: 3 }), (sets) => loadsOrIsRefused(path, sets)),
      { numRuns: RUNS },
    )
  })
})
