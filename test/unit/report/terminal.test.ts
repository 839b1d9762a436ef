import { expect, test } from 'vitest'
import { buildReportModel } from '../../../harness/report/model.ts'
import { runSummary } from '../../../harness/report/terminal.ts'
import { columnsOf, terminalTable } from '../../../harness/report/terminal-table.ts'
import { hostileRun } from './hostile.ts'
import { ordinaryModel } from './ordinary.ts'
import { syntheticRun } from './synthetic.ts'

const modelOf = (run: ReturnType<typeof syntheticRun>) => buildReportModel(run.manifest, run.trials)

test.each([80, 100, 120, 140])('fits a terminal of %i columns', (width) => {
  const text = runSummary(ordinaryModel, { colour: false, width })
  for (const line of text.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(width)
})

test('a wide terminal shows every column, a narrow one keeps what decides', () => {
  const model = ordinaryModel
  const wide = runSummary(model, { colour: false, width: 140 })
  const narrow = runSummary(model, { colour: false, width: 72 })
  expect(wide).toMatch(/p50 +p95 +rows\/s +peak MB +R² +used cores +outcome/)
  expect(narrow).toMatch(/us\/row.* R² +outcome/)
  expect(narrow).not.toContain('rows/s')
})

test('says what was lost and what differs', () => {
  const text = runSummary(ordinaryModel, { colour: false, width: 120 })
  expect(text).toContain('1 out of memory')
  expect(text).toContain('48 of 96 comparisons')
  expect(text).toContain('! Not every trial was ok')
})

test('columns line up: every row ends its numbers at the same place', () => {
  const lines = terminalTable(
    [
      { head: 'name', align: 'left', expendable: 0, cells: [{ text: 'a' }, { text: '日本' }] },
      { head: 'x', align: 'right', expendable: 0, cells: [{ text: '1' }, { text: '1,000' }] },
    ],
    { colour: false, width: 80 },
  )
  expect(lines.map(columnsOf)).toEqual([11, 11, 11])
})

test('colour only when asked for, and nothing that steers a terminal ever', () => {
  const start = String.fromCharCode(27)
  expect(runSummary(ordinaryModel, { colour: false, width: 100 })).not.toContain(start)
  expect(runSummary(ordinaryModel, { colour: true, width: 100 })).toContain(`${start}[1m`)
  const hostile = runSummary(modelOf(hostileRun()), { colour: false, width: 100 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there.
  expect(hostile).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
})

test('runs without trials, without accuracy, without axes', () => {
  const lone = { chunk_size: [64], batch_size: [8], max_memory_mb: [64], max_compute_units: [0.5], runs: 2 }
  for (const run of [
    { manifest: syntheticRun().manifest, trials: [] },
    syntheticRun({ ...lone, accuracy: null }),
  ]) {
    const text = runSummary(modelOf(run), { colour: false, width: 80 })
    expect(text).not.toMatch(/NaN|undefined|null/)
  }
})

test('a long grid shows its front first and counts the rest', () => {
  const run = syntheticRun({ max_compute_units: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 1], runs: 2 })
  const lines = runSummary(modelOf(run), { colour: false, width: 120 }).split('\n')
  const front = lines.findIndex((line) => line.startsWith('*  '))
  expect(front).toBe(lines.findIndex((line) => line.includes('outcome')) + 1)
  expect(lines.some((line) => /^56 more scenarios/.test(line))).toBe(true)
})
