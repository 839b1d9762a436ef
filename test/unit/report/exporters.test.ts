import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exportersFor, renderAll, writeAll } from '../../../harness/report/exporters.ts'
import { buildReportModel } from '../../../harness/report/model.ts'
import { syntheticRun } from './synthetic.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-report-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const modelOf = (shape: Parameters<typeof syntheticRun>[0] = {}) => {
  const { manifest, trials } = syntheticRun({ chunk_size: [64, 256], runs: 3, ...shape })
  return buildReportModel(manifest, trials)
}

test('writes every file under its name and nothing else, and rendering twice gives the same text', async () => {
  const { written, skipped, problems } = await renderAll(modelOf(), folder)
  expect(problems).toEqual([])
  expect(skipped).toEqual([])
  expect(written.map((path) => relative(folder, path)).sort()).toEqual([
    'benchmarks/caps.png',
    'benchmarks/constraint_experiment.csv',
    'benchmarks/latency_vs_accuracy.png',
    'benchmarks/memory_vs_accuracy.png',
    'benchmarks/operating_points.csv',
    'benchmarks/significance.png',
    'benchmarks/significance_tests.csv',
    'reports/report.html',
    'reports/report.md',
  ])
  expect([...readdirSync(join(folder, 'benchmarks')), ...readdirSync(join(folder, 'reports'))]).toHaveLength(
    9,
  )

  const read = () =>
    ['benchmarks/constraint_experiment.csv', 'reports/report.md', 'reports/report.html'].map((f) =>
      readFileSync(join(folder, f), 'utf8'),
    )
  const before = read()
  await renderAll(modelOf(), folder)
  expect(read()).toEqual(before)
})

test('an exporter that fails costs its own file alone', async () => {
  const broken = {
    file: 'benchmarks/broken.csv',
    render: () => {
      throw new Error('bang')
    },
  }
  const [first, second] = exportersFor(modelOf())
  const { written, problems } = await writeAll([first!, broken, second!], modelOf(), folder)
  expect(written).toHaveLength(2)
  expect(problems).toEqual([{ file: 'benchmarks/broken.csv', error: new Error('bang') }])
  expect(existsSync(join(folder, 'benchmarks/broken.csv'))).toBe(false)
})

test('a file that cannot be replaced is a problem and leaves no temporary file', async () => {
  mkdirSync(join(folder, 'reports/report.md'), { recursive: true })
  const { written, problems } = await renderAll(modelOf(), folder)
  expect(problems.map(({ file }) => file)).toEqual(['reports/report.md'])
  expect(written).toHaveLength(8)
  expect(readdirSync(join(folder, 'reports')).sort()).toEqual(['report.html', 'report.md'])
})

test('a picture that is skipped now does not stay from before', async () => {
  mkdirSync(join(folder, 'benchmarks'))
  const stale = join(folder, 'benchmarks/latency_vs_accuracy.png')
  writeFileSync(stale, 'old')
  const { skipped } = await renderAll(modelOf({ accuracy: null }), folder)
  expect(skipped[0]).toEqual({
    file: 'benchmarks/latency_vs_accuracy.png',
    reason: 'the workload names no accuracy metric',
  })
  expect(existsSync(stale)).toBe(false)
})
