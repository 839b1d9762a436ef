import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { loadImage } from '@napi-rs/canvas'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeReport } from '../../../harness/report/export.ts'
import { buildReportModel } from '../../../harness/report/model.ts'
import type { Export, Format } from '../../../harness/report/section.ts'
import { runReport } from '../../../harness/report/sections/run.ts'
import { memoryFolder } from '../../fixtures/memory-folder.ts'
import { syntheticRun } from './synthetic.ts'

const FULL = process.env['STINT_FULL'] === '1'

let folder: string
beforeEach(() => {
  folder = memoryFolder('stint-report-')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const SMALL = {
  ...{ chunk_size: [64, 256], batch_size: [8], max_memory_mb: [256], max_compute_units: [0.25, 1] },
  runs: 2,
}
const reportOf = (shape: Parameters<typeof syntheticRun>[0] = {}) => {
  const { manifest, trials } = syntheticRun({
    ...SMALL,
    ...shape,
  })
  return runReport(buildReportModel(manifest, trials))
}
const named = (...formats: Format[]): Export[] => formats.map((format) => ({ format, to: null }))

test('writes every file under its name and nothing else, and rendering twice gives the same text', async () => {
  const everything = named('html', 'markdown', 'csv', 'json', 'png', 'junit', 'annotations', 'text')
  const { written, skipped, problems } = await writeReport(reportOf(), everything, { folder })
  expect(problems).toEqual([])
  expect(skipped).toEqual([])
  const files = [
    'benchmarks/caps.png',
    'benchmarks/constraint_experiment.csv',
    'benchmarks/latency_vs_accuracy.png',
    'benchmarks/memory_vs_accuracy.png',
    'benchmarks/operating_points.csv',
    'benchmarks/sensitivity.csv',
    'benchmarks/sensitivity.png',
    'benchmarks/significance.png',
    'benchmarks/significance_tests.csv',
    'reports/report.annotations.txt',
    'reports/report.html',
    'reports/report.json',
    'reports/report.md',
    'reports/report.txt',
    'reports/report.xml',
  ]
  expect(written.map((path) => relative(folder, path)).sort()).toEqual(files)
  expect([...readdirSync(join(folder, 'benchmarks')), ...readdirSync(join(folder, 'reports'))]).toHaveLength(
    files.length,
  )
  // Pictures take long, those of a page too.
  const slow = FULL ? ['png'] : ['png', 'html']
  const read = () =>
    files
      .filter((file) => !slow.some((ending) => file.endsWith(`.${ending}`)))
      .map((file) => readFileSync(join(folder, file), 'utf8'))
  const before = read()
  await writeReport(
    reportOf(),
    everything.filter(({ format }) => !slow.includes(format)),
    { folder },
  )
  expect(read()).toEqual(before)
  expect(JSON.parse(readFileSync(join(folder, 'reports/report.json'), 'utf8'))).toMatchObject({
    format: 2,
    name: 'edge-vs-server',
    latency: 'latency_per_row_us',
  })
})

test('writes what was asked for, where it was asked for', async () => {
  const elsewhere = join(folder, 'else/where')
  const printed: string[] = []
  const { written } = await writeReport(
    reportOf(),
    [
      { format: 'csv', to: elsewhere },
      { format: 'markdown', to: join(folder, 'page.md') },
      { format: 'text', to: '-' },
    ],
    { folder, print: (text) => printed.push(text) },
  )
  expect(written.map((path) => relative(folder, path))).toEqual([
    'else/where/constraint_experiment.csv',
    'else/where/significance_tests.csv',
    'else/where/operating_points.csv',
    'else/where/sensitivity.csv',
    'page.md',
  ])
  expect(printed).toEqual([expect.stringMatching(/^Use chunk .*\n(.*\n)*edge-vs-server\n/)])
  // Pictures that are not there are no links, and the text has no file to point to.
  expect(readFileSync(join(folder, 'page.md'), 'utf8')).not.toContain('](')
  expect(printed[0]).not.toContain('more notes in')
})

test('a page that is written elsewhere links to the pictures where they are', async () => {
  mkdirSync(join(folder, 'benchmarks'))
  writeFileSync(join(folder, 'benchmarks/caps.png'), 'drawn before')
  await writeReport(reportOf(), [{ format: 'markdown', to: join(folder, 'a b/page.md') }], { folder })
  expect(readFileSync(join(folder, 'a b/page.md'), 'utf8')).toContain('](../benchmarks/caps.png)')
})

test('a file that cannot be made is a problem, costs no other file and leaves no temporary file', async () => {
  mkdirSync(join(folder, 'reports/report.md'), { recursive: true })
  const { written, problems } = await writeReport(reportOf(), named('csv', 'markdown', 'json'), { folder })
  expect(problems.map(({ file }) => file)).toEqual(['reports/report.md'])
  expect(written).toHaveLength(5)
  expect(readdirSync(join(folder, 'reports')).sort()).toEqual(['report.json', 'report.md'])
})

test('a picture that is skipped now does not stay from before', async () => {
  mkdirSync(join(folder, 'benchmarks'))
  const stale = join(folder, 'benchmarks/latency_vs_accuracy.png')
  writeFileSync(stale, 'old')
  const one = { batch_size: [8], max_memory_mb: [64], max_compute_units: [1] }
  const { skipped } = await writeReport(reportOf({ ...one, accuracy: null }), named('png'), {
    folder,
    // As in a run folder.
    record: null,
  })
  expect(skipped[0]).toEqual({
    file: 'benchmarks/latency_vs_accuracy.png',
    reason: 'the workload names no accuracy metric',
  })
  expect(existsSync(stale)).toBe(false)
})

test('a picture that is not chosen now does not stay from an earlier choice, nor does its link', async () => {
  const { manifest, trials } = syntheticRun(SMALL)
  const model = buildReportModel(manifest, trials)
  const chosen = async (plots?: string[]) => {
    const made = runReport(model, [], plots === undefined ? {} : { plots })
    await writeReport(made, named('png', 'markdown'), { folder })
    const files = existsSync(join(folder, 'benchmarks')) ? readdirSync(join(folder, 'benchmarks')).sort() : []
    expect(
      readFileSync(join(folder, 'reports/report.md'), 'utf8').match(/\w+\.png(?=\)$)/gm) ?? [],
    ).toHaveLength(files.length)
    return files
  }
  expect(await chosen(['caps', 'sensitivity'])).toEqual(['caps.png', 'sensitivity.png'])
  expect(await chosen(['sensitivity'])).toEqual(['sensitivity.png'])
  expect(await chosen([])).toEqual([])
})

test('a picture that was asked for and cannot be is missing with its reason, wherever its section is', async () => {
  const { manifest, trials } = syntheticRun(SMALL)
  const made = runReport(buildReportModel(manifest, trials), [], { plots: ['load', 'caps'] })
  mkdirSync(join(folder, 'benchmarks'))
  writeFileSync(join(folder, 'benchmarks/load.svg'), 'drawn before')
  // As in a run folder.
  const { skipped, written } = await writeReport(made, named('png', 'svg'), { folder, record: null })
  const reason = 'no scenario runs in real time'
  expect(skipped).toEqual([
    { file: 'benchmarks/load.png', reason },
    { file: 'benchmarks/load.svg', reason },
  ])
  expect(readdirSync(join(folder, 'benchmarks')).sort()).toEqual(['caps.png', 'caps.svg'])
  expect(written).toHaveLength(2)
  // The same picture, which brings its font along and asks for nothing.
  const svg = readFileSync(join(folder, 'benchmarks/caps.svg'), 'utf8')
  const [, width, height] = /^<svg [^>]*width="([\d.]+)" height="([\d.]+)"/.exec(svg)!.map(Number)
  const png = await loadImage(join(folder, 'benchmarks/caps.png'))
  expect([png.width, png.height]).toEqual([Math.ceil(2 * width!), Math.ceil(2 * height!)])
  expect(svg).toContain('@font-face{font-family:Inter;font-weight:600;src:url(data:font/woff;base64,')
  expect(svg.replaceAll(/url\(data:[^)]*\)|xmlns(?::xlink)?="[^"]*"/g, '')).not.toMatch(/url\(|https?:/)
})
