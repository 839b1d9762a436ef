import { describe, expect, it } from 'vitest'
import { pairScenarios } from '../../../harness/analyse/compare.ts'
import type { Scalar } from '../../../workers/workload.ts'
import { makeScenario } from './make-trials.ts'

const grid = (...points: Record<string, Scalar>[]) =>
  points.map((point) => makeScenario(Object.values(point).join('-'), point))
const ids = ({ pairs }: ReturnType<typeof pairScenarios>) => pairs.map(({ a, b }) => `${a.id} ${b.id}`)

describe('pairScenarios', () => {
  const full = grid(
    { chunk: 64, cpu: 0.5 },
    { chunk: 64, cpu: 1 },
    { chunk: 256, cpu: 0.5 },
    { chunk: 256, cpu: 1 },
    { chunk: 256, cpu: 0.25 },
  )

  it('pairs each scenario with the one that differs in the reference keys alone', () => {
    const pairing = pairScenarios(full, { cpu: 1 })
    expect(ids(pairing)).toEqual(['64-1 64-0.5', '256-1 256-0.5', '256-1 256-0.25'])
    expect(pairing.notes).toEqual([])
  })

  it('takes several keys together', () => {
    const pairing = pairScenarios(full, { cpu: 1, chunk: 64 })
    expect(ids(pairing)).toEqual(['64-1 64-0.5', '64-1 256-0.5', '64-1 256-1', '64-1 256-0.25'])
  })

  it('names scenarios without a partner', () => {
    const pairing = pairScenarios([...full, ...grid({ chunk: 1024, cpu: 0.5 })], { cpu: 1 })
    expect(pairing.pairs).toHaveLength(3)
    expect(pairing.notes).toEqual([
      { kind: 'reference_unmatched', scenarios: ['1024-0.5'], reference: { cpu: 1 } },
    ])
  })

  it('lets a profile change the settings that it sets, and says so', () => {
    const profiles = grid(
      { profile: 'edge', memory: 64, chunk: 1 },
      { profile: 'server', memory: 512, chunk: 1 },
      { profile: 'edge', memory: 64, chunk: 2 },
      { profile: 'server', memory: 512, chunk: 2 },
    )
    const pairing = pairScenarios(profiles, { profile: 'server' })
    expect(ids(pairing)).toEqual(['server-512-1 edge-64-1', 'server-512-2 edge-64-2'])
    expect(pairing.notes).toEqual([{ kind: 'reference_confounded', keys: ['memory'] }])
  })

  it('falls back to the first scenario of the sweep and says so', () => {
    const pairing = pairScenarios(full, null)
    expect(ids(pairing)).toEqual(['64-0.5 64-1', '64-0.5 256-0.5', '64-0.5 256-1', '64-0.5 256-0.25'])
    expect(pairing.notes).toEqual([{ kind: 'reference_chosen', scenario: '64-0.5', pairs: 4 }])
  })

  it('has nothing to pair in a sweep of one', () => {
    expect(pairScenarios(full.slice(0, 1), null).notes).toEqual([{ kind: 'too_few_scenarios', scenarios: 1 }])
  })

  it('finds no partner for a reference value that the grid lacks', () => {
    const pairing = pairScenarios(full, { cpu: 2 })
    expect(pairing.pairs).toEqual([])
    expect(pairing.notes).toMatchObject([{ kind: 'reference_unmatched' }])
  })
})
