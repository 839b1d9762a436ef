import { expect, it } from 'vitest'
import { operatorTotals } from '../../../harness/report/pipeline/data.ts'
import type { ChunkLogLine } from '../../../workers/protocol/trial-result.ts'

const chunk = (operators_ms?: Record<string, number>) => ({ operators_ms }) as unknown as ChunkLogLine

it('adds up what each operator took, under its stage, whatever it is called', () => {
  const named = JSON.parse('{ "__proto__": 4, "constructor": 8, "read": 16 }') as Record<string, number>
  const totals = operatorTotals([chunk({ read: 1000, learn: 500 }), chunk(), chunk(named)])
  expect(totals).toEqual([
    { operator: 'read', stage: 'preprocess', seconds: 1.016 },
    { operator: 'learn', stage: 'training', seconds: 0.5 },
    { operator: '__proto__', stage: 'other', seconds: 0.004 },
    { operator: 'constructor', stage: 'other', seconds: 0.008 },
  ])
  expect(operatorTotals([chunk()])).toEqual([])
})
