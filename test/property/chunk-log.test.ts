import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { ChunkLog } from '../../workers/telemetry/chunk-log.ts'
import type { StepReport } from '../../workers/workload.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-chunk-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const name = fc.constantFrom('read', 'learn', 'window', 'scores', 'r2', 'control', 'é"\n', 'rows', '7')
const number = fc.oneof(fc.double(), fc.integer())
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 4, arbitrary: number },
    fc.constant(null),
    fc.string(),
    fc.boolean(),
    fc.array(number, { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}))
const report: fc.Arbitrary<StepReport> = fc.record(
  {
    rows: fc.nat(),
    operators_ms: fc.dictionary(
      fc.oneof(name, fc.string({ minLength: 1 })),
      fc.double({ noNaN: true, min: 0 }),
      {
        maxKeys: 6,
      },
    ),
    detail: fc.dictionary(name, value, { maxKeys: 4 }),
  },
  { requiredKeys: ['rows'] },
)
const measured = { latency_ms: 1, service_ms: 1, cpu_ms: 1, heap_mb: 1, external_mb: 1 }

it('gives every report back as JSON would have written it', () => {
  const path = join(folder, 'chunks.jsonl')
  fc.assert(
    fc.property(fc.array(report, { maxLength: 20 }), fc.integer({ min: 1, max: 150 }), (reports, times) => {
      const log = new ChunkLog(path)
      const added: StepReport[] = []
      for (let i = 0; i < times; i++) added.push(...reports)
      for (const [first_row, one] of added.entries()) log.add({ rows: one.rows, first_row, ...measured }, one)
      log.close()
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
      const read = lines.map((line) => {
        const { rows, operators_ms, detail } = JSON.parse(line)
        return { rows, operators_ms: operators_ms ?? {}, detail: detail ?? {} }
      })
      const wanted = added.map(({ rows, operators_ms, detail }) => ({
        rows,
        operators_ms: operators_ms ?? {},
        detail: detail ?? {},
      }))
      expect(read).toEqual(JSON.parse(JSON.stringify(wanted)))
    }),
    { numRuns: process.env['STINT_FULL'] === '1' ? 30 : 12 },
  )
})
