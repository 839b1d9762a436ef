import { expect, it } from 'vitest'
import { functionGrowth } from '../../../harness/gate/functions.ts'

interface Part {
  name: string
  url: string
  line?: number
  us: number[]
}

function profileOf(parts: readonly Part[]): string {
  const nodes = parts.map(({ name, url, line = 0 }, id) => ({
    id,
    callFrame: { functionName: name, url, lineNumber: line },
  }))
  const samples = parts.flatMap(({ us }, id) => us.map(() => id))
  return JSON.stringify({ nodes, samples, timeDeltas: parts.flatMap(({ us }) => us) })
}

const growth = (before: readonly Part[], after: readonly Part[]) =>
  functionGrowth(
    { text: profileOf(before), module: '/old/bench/a.mjs' },
    { text: profileOf(after), module: '/new/bench/b.mjs' },
  )

it('holds a function against the same one of the other version, wherever its file and line moved', () => {
  const before = [
    { name: 'parse', url: 'file:///old/bench/a.mjs', line: 4, us: [1000, 2000] },
    { name: 'scale', url: 'file:///old/bench/lib/scale.mjs', us: [5000] },
    { name: '(idle)', url: '', us: [90000] },
  ]
  const after = [
    { name: 'parse', url: 'file:///new/bench/b.mjs', line: 9, us: [4000, 1000] },
    // One function, at two places of the call tree.
    { name: 'scale', url: 'file:///new/bench/lib/scale.mjs', us: [3000] },
    { name: 'scale', url: 'file:///new/bench/lib/scale.mjs', us: [2500] },
    { name: '', url: 'file:///elsewhere/x.mjs', us: [700] },
    { name: '(idle)', url: '', us: [190000] },
  ]
  expect(growth(before, after)).toEqual([
    { name: 'parse', file: 'the workload', line: 10, baseline_ms: 3, candidate_ms: 5 },
    { name: '(anonymous)', file: '…/x.mjs', line: 1, baseline_ms: 0, candidate_ms: 0.7 },
    { name: 'scale', file: 'lib/scale.mjs', line: 1, baseline_ms: 5, candidate_ms: 5.5 },
  ])
})

it('names ten at most, and none that did not grow', () => {
  const parts = Array.from({ length: 30 }, (_, i) => ({
    name: `f${i}`,
    url: 'file:///new/bench/b.mjs',
    us: [1000 * i],
  }))
  expect(growth([], parts).map(({ name }) => name)).toEqual([
    ...['f29', 'f28', 'f27', 'f26', 'f25', 'f24', 'f23', 'f22', 'f21', 'f20'],
  ])
  const same = parts.map((part) => ({ ...part, url: 'file:///old/bench/a.mjs' }))
  expect(growth(same, parts)).toEqual([])
})
