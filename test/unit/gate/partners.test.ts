import { expect, it } from 'vitest'
import { partnerNotes, partnersOf } from '../../../harness/gate/partners.ts'
import type { Sweep } from '../../../harness/sweep/types.ts'
import { load } from '../sweep/sweep-file.ts'

const sweep = (text: string): Sweep => load(`name: s\nworkload: ./w.mjs\n${text}`, {}, { 'w.mjs': '' }).sweep

function matched(baseline: string, candidate: string) {
  const partners = partnersOf(sweep(baseline), sweep(candidate))
  return {
    pairs: partners.pairs.map((pair) => `${pair.baseline.label} | ${pair.candidate.label}`),
    notes: partnerNotes(partners, { baseline: 'main', candidate: 'the working copy' }),
  }
}

it('pairs scenarios of equal axes, whatever else was changed, and lists those without a partner', () => {
  const { pairs, notes } = matched(
    'batch_size: 64\ngrid: { chunk_size: [1, 2, 4] }',
    'batch_size: 128\ngrid: { chunk_size: [2, 4, 8] }',
  )
  expect(pairs).toEqual(['chunk_size=2 | chunk_size=2', 'chunk_size=4 | chunk_size=4'])
  expect(notes).toEqual([
    'the two sweeps differ in batch_size 64 → 128',
    'without a partner in the other sweep, and so not compared: chunk 1 of main',
    'without a partner in the other sweep, and so not compared: chunk 8 of the working copy',
  ])
})

it('leaves out an axis all of whose values were changed, and finds a value that became an axis', () => {
  expect(
    matched(
      'grid: { chunk_size: [1, 2], batch_size: [64] }',
      'grid: { chunk_size: [1, 2], batch_size: [32] }',
    ).pairs,
  ).toEqual([
    'chunk_size=1 batch_size=64 | chunk_size=1 batch_size=32',
    'chunk_size=2 batch_size=64 | chunk_size=2 batch_size=32',
  ])
  expect(matched('chunk_size: 2', 'grid: { chunk_size: [1, 2] }').pairs).toEqual(['s | chunk_size=2'])
  expect(matched('params: { k: 1 }', 'params: { k: 2 }').pairs).toEqual(['s | s'])
})

it('pairs nothing by chance where several would do', () => {
  expect(matched('grid: { chunk_size: [1, 2] }', 'grid: { chunk_size: [4, 8] }').pairs).toEqual([])
})
