import { loadImage } from '@napi-rs/canvas'
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { expect, test } from 'vitest'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { capsPlot } from '../../../../harness/report/plots/caps.ts'
import { drawPicture, pictureSvg } from '../../../../harness/report/plots/draw.ts'
import { textWidth } from '../../../../harness/report/plots/text.ts'
import { palette } from '../../../../harness/report/plots/theme.ts'
import { tradeoffPlot } from '../../../../harness/report/plots/tradeoff.ts'
import { picturesOf } from '../../../../harness/report/section.ts'
import { runReport } from '../../../../harness/report/sections/run.ts'
import type { ReportModel } from '../../../../harness/report/types.ts'
import type { TrialResult } from '../../../../workers/protocol/trial-result.ts'
import { ended, measuring } from '../../../fixtures/trials.ts'
import { hostileRun } from '../hostile.ts'
import { ordinaryModel } from '../ordinary.ts'
import { type Shape, syntheticRun } from '../synthetic.ts'

const FULL = process.env['STINT_FULL'] === '1'

const LONE = { chunk_size: [64], batch_size: [8], max_memory_mb: [64], max_compute_units: [0.5] }

const modelOf = (run: Omit<ReturnType<typeof syntheticRun>, 'notes'>) =>
  buildReportModel(run.manifest, run.trials)

/** What `draw` makes of each picture that is not skipped, and why the others are. */
async function each<Drawn>(model: ReportModel, draw: (spec: object) => Promise<Drawn>) {
  const skipped: Record<string, string> = {}
  const drawn: Record<string, Drawn> = {}
  for (const plot of picturesOf(runReport(model))) {
    const name = plot.file.replace('benchmarks/', '').replace('.png', '')
    if (plot.spec) drawn[name] = await draw(plot.spec)
    else skipped[name] = plot.skipped
  }
  return { skipped, drawn }
}

test('every picture of an ordinary run, wide enough for a talk', async () => {
  const { skipped, drawn } = await each(ordinaryModel, drawPicture)
  expect(skipped).toEqual({})
  for (const { width, height } of Object.values(drawn)) {
    expect(width).toBeGreaterThan(1800)
    expect(width).toBeLessThan(3200)
    expect(height).toBeGreaterThan(900)
  }
  const [canvas] = Object.values(drawn)
  const png = await canvas!.encode('png')
  expect(png.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))
  const { width, height } = await loadImage(png)
  expect([width, height]).toEqual([canvas!.width, canvas!.height])
})

test('a picture has the same size in pixels and in vectors', async () => {
  const plot = picturesOf(runReport(modelOf(syntheticRun({ ...LONE, runs: 2 })))).find(({ spec }) => spec)!
  const canvas = await drawPicture(plot.spec!)
  const [, width, height] = /^<svg[^>]*? width="([\d.]+)" height="([\d.]+)"/.exec(
    await pictureSvg(plot.spec!),
  )!
  expect([canvas.width, canvas.height]).toEqual([2 * Number(width), 2 * Number(height)].map(Math.ceil))
})

const degenerate: [name: string, shape: Shape, skipped: string[]][] = [
  ['one scenario', LONE, ['significance']],
  ['one trial each', { runs: 1 }, []],
  ['no caps', { max_memory_mb: [null], max_compute_units: [null], reference: null }, ['caps']],
  ['no accuracy metric', { accuracy: null }, ['latency_vs_accuracy', 'memory_vs_accuracy']],
  [
    'an accuracy metric that is never reported',
    { accuracy: 'mape' },
    ['latency_vs_accuracy', 'memory_vs_accuracy'],
  ],
  [
    'no ok trial',
    { alter: (trial) => ended(trial, 'failed') },
    ['latency_vs_accuracy', 'memory_vs_accuracy', 'significance'],
  ],
  ['all values the same', { alter: same }, ['significance']],
  ['latencies of zero', { alter: (trial) => measuring(trial, () => ({ latency_p50_ms: 0 })) }, []],
  ['nothing known of the caps', { alter: withoutCaps }, ['caps']],
]

/** Shapes differ in some of their pictures; to lay out what was laid out before would show nothing. */
const laidOut = new Map<string, Promise<string>>()

function svgOf(spec: object): Promise<string> {
  const key = JSON.stringify(spec)
  const svg = laidOut.get(key) ?? pictureSvg(spec)
  laidOut.set(key, svg)
  return svg
}

const SMALL: Shape = { chunk_size: [64, 256], batch_size: [8], max_compute_units: [0.25, 1], runs: 4 }

test.each(degenerate)('%s: laid out or skipped with a reason, never a crash', async (_, shape, expected) => {
  const { skipped, drawn } = await each(modelOf(syntheticRun({ ...SMALL, ...shape })), svgOf)
  expect(Object.keys(skipped)).toEqual(expected)
  for (const reason of Object.values(skipped)) expect(reason).toMatch(/^[a-z].{10,}/)
  // Nothing lies nowhere.
  for (const svg of Object.values(drawn))
    expect(svg.replace(/<style>.*<\/style>/s, '')).not.toMatch(/NaN|Infinity/)
})

test('no trials at all', async () => {
  const { manifest } = syntheticRun()
  const { skipped } = await each(modelOf({ manifest, trials: [] }), drawPicture)
  expect(Object.keys(skipped)).toHaveLength(4)
})

test('a grid of many scenarios', async () => {
  const powers = (n: number) => Array.from({ length: n }, (_, i) => 16 * 2 ** i)
  const values = powers(FULL ? 7 : 4)
  const run = syntheticRun({
    chunk_size: values,
    batch_size: values,
    max_memory_mb: [64, 512],
    max_compute_units: [0.25, 1],
    runs: 2,
  })
  const plots = picturesOf(runReport(modelOf(run)))
  expect(plots.filter(({ spec }) => spec === undefined)).toEqual([])
  const { spec } = plots.find(({ file }) => file.endsWith('significance.png'))!
  expect((await drawPicture(spec!)).height).toBeLessThan(4000)
})

test('hostile names do not break a picture', async () => {
  const { skipped } = await each(modelOf(hostileRun()), pictureSvg)
  expect(skipped).toEqual({})
})

test('the font is the one that is drawn with: weights differ, and superscripts have a width', () => {
  expect(textWidth('compute', 20, 600)).toBeGreaterThan(textWidth('compute', 20, 400))
  expect(textWidth('R²', 20)).toBeGreaterThan(textWidth('R', 20))
})

test('palettes never repeat a colour', () => {
  for (let levels = 1; levels <= 13; levels++) expect(new Set(palette(levels)).size).toBe(levels)
})

function same(trial: TrialResult): TrialResult {
  return measuring(trial, (metrics) => Object.fromEntries(Object.keys(metrics).map((name) => [name, 1])))
}

function withoutCaps(trial: Parameters<NonNullable<Shape['alter']>>[0]) {
  const { memory, compute } = trial.caps
  return { ...trial, caps: { memory: { ...memory, peak_mb: null }, compute: { ...compute, achieved: null } } }
}

interface SceneItem {
  x?: number
  /** Of a rectangle, which begins at x. */
  width?: number
  items?: SceneItem[]
  name?: string
  mark?: { name?: string }
}

/** Centres of the items of one mark across their panel, px. */
function across(item: SceneItem, mark: string): number[] {
  const own = item.mark?.name === mark && item.x !== undefined ? [item.x + (item.width ?? 0) / 2] : []
  return [...own, ...(item.items ?? []).flatMap((child) => across(child, mark))]
}

test('scenarios with one cap stand around its bar, and the caption tells them apart', async () => {
  const shape = {
    chunk_size: [64, 256],
    batch_size: [8],
    max_memory_mb: [64],
    max_compute_units: [0.25, 0.5, 1],
  }
  const { manifest, trials } = syntheticRun({ ...shape, runs: 2 })
  const plot = capsPlot(buildReportModel(manifest, trials), 'caps.png')
  const view = await new View(parse(compile(plot.spec as TopLevelSpec).spec), { renderer: 'none' }).runAsync()
  const root = (view.scenegraph() as unknown as { root: SceneItem }).root
  const points = across(root, 'memory_points_marks')
  expect(points.length).toBe(6)
  const [bar] = across(root, 'memory_cap_marks')
  expect((Math.min(...points) + Math.max(...points)) / 2).toBeCloseTo(bar!, 0)
  // Six at one cap differ by more than the chunk size.
  expect(JSON.stringify(plot.spec)).not.toContain('from left')

  const alone = syntheticRun({ ...shape, max_compute_units: [null], runs: 2 })
  const memory = JSON.stringify(capsPlot(buildReportModel(alone.manifest, alone.trials), 'caps.png').spec)
  expect(memory).toContain('Memory, above an idle worker, held by: ')
  expect(memory).toContain('chunk size, from left: 64, 256')
  expect(memory).not.toContain('Compute held by')
})

test('points of one score that would cover each other are drawn apart, those of the front where they are', () => {
  const run = syntheticRun({
    chunk_size: Array.from({ length: 12 }, (_, i) => 16 + i),
    batch_size: [8, 64],
    max_memory_mb: [256],
    max_compute_units: [1],
    runs: 2,
  })
  const model = modelOf(run)
  const { spec } = tradeoffPlot(model, 'memory', 'memory.png')
  const { layer } = spec as unknown as { layer: { name: string; data: { values: PointRow[] } }[] }
  const rows = layer.find(({ name }) => name === 'points')!.data.values
  const domain = rows.map(({ y }) => y)
  const range = Math.max(...domain) - Math.min(...domain)
  for (const { y, drawn, front } of rows) {
    if (front) expect(drawn).toBe(y)
    // Nearer to its own value than to any other.
    expect(Math.abs(drawn - y)).toBeLessThan(range / 2)
  }
  expect(rows.some(({ y, drawn }) => y !== drawn)).toBe(true)
  // A line ends where the picture does.
  expect(JSON.stringify(spec).replaceAll('","', ' ')).toContain(
    'Points of one R² that would cover each other stand above or below it.',
  )
})

interface PointRow {
  y: number
  drawn: number
  front: boolean
}

test('scenarios alike in all that is drawn stand beside each other, and the title says how many', () => {
  const run = syntheticRun({
    ...{ chunk_size: [64, 256], batch_size: [8], max_memory_mb: [256], max_compute_units: [0.5, 1], runs: 2 },
    alter: (trial) =>
      trial.outcome === 'ok'
        ? { ...trial, metrics: { ...trial.metrics, peak_memory_mb: 20, r2: 0.6 } }
        : trial,
  })
  const { spec } = tradeoffPlot(modelOf(run), 'memory', 'memory.png')
  const { layer } = spec as unknown as { layer: { name: string; data: { values: PointRow[] } }[] }
  const rows = layer.find(({ name }) => name === 'points')!.data.values
  expect(rows.map(({ y }) => y)).toEqual([0.6, 0.6, 0.6, 0.6])
  expect(new Set(rows.map(({ drawn }) => drawn)).size).toBe(4)
  expect(layer.find(({ name }) => name === 'label')!.data.values).toEqual([])
  expect(JSON.stringify(spec)).toContain('R² is 0.600 throughout, the memory 20.0 MB too')
})

/** What tells the points of latency against accuracy apart. */
function toldApart(shape: Shape) {
  const run = syntheticRun({ batch_size: [8], max_memory_mb: [256], runs: 2, ...shape })
  const { spec } = tradeoffPlot(modelOf(run), 'latency', 'latency.png')
  const { layer } = spec as unknown as {
    layer: { name: string; data: { values: object[] }; encoding: object }[]
  }
  const of = (wanted: string) => layer.find(({ name }) => name === wanted)!
  const { color, shape: shapes } = of('points').encoding as Record<
    'color' | 'shape',
    { field: string; scale: { domain: string[]; range: string[] } }
  >
  return {
    ...{ colours: color.scale, shapes },
    rows: of('points').data.values as { about: string; colour: string }[],
    labels: of('label').data.values as { about: string; text: string }[],
    legends: (compile(spec as TopLevelSpec).spec.legends ?? []).map(({ title }) => title),
    caption: JSON.stringify(spec).replaceAll('","', ' '),
  }
}

const CHUNKS = [16, 64, 256, 1024, 4096]

test('colours are told apart by shapes too, where no other axis has them', () => {
  const { shapes, colours, labels, legends } = toldApart({ chunk_size: CHUNKS, max_compute_units: [1] })
  expect(shapes.field).toBe('colour')
  expect(shapes.scale.domain).toEqual(colours.domain)
  expect(new Set(shapes.scale.range).size).toBe(CHUNKS.length)
  expect(legends).toEqual(['Chunk size'])
  expect(labels).toEqual([])
})

test('colours are told apart by numbers beside the points, where another axis has the shapes', () => {
  const { shapes, colours, rows, labels, legends, caption } = toldApart({
    ...{ chunk_size: CHUNKS, max_compute_units: [0.25, 0.5, 1] },
  })
  expect(shapes.field).toBe('shape')
  expect(legends).toHaveLength(2)
  expect(labels.length).toBeGreaterThan(rows.length / 2)
  for (const { about, text } of labels) {
    expect(colours.domain).toContain(text)
    expect(text).toBe(rows.find((row) => row.about === about)!.colour)
  }
  expect(caption).toMatch(/ Beside points: the (chunk size|compute cap)/)
})

test('legends name the values of the scenarios that are drawn, in the colours that they have elsewhere', () => {
  const levels = { chunk_size: [64], batch_size: [8, 64, 128], max_compute_units: [0.5, 1] }
  const run = syntheticRun({ ...levels, max_memory_mb: [256], runs: 2 })
  const batches = (trials: TrialResult[]) => {
    const { spec } = tradeoffPlot(modelOf({ ...run, trials }), 'memory', 'memory.png')
    const { legends = [], scales = [] } = compile(spec as TopLevelSpec).spec
    const [legend] = legends.filter(({ title }) => title === 'Batch size')
    const scale = scales.find(({ name }) => name === (legend!.fill ?? legend!.stroke ?? legend!.shape))
    return { values: legend!.values, scale: JSON.stringify(scale) }
  }
  const all = batches(run.trials)
  const some = batches(
    run.trials.map((trial) => (trial.scenario.includes('-b128-') ? ended(trial, 'failed') : trial)),
  )
  expect(all.values).toBeUndefined()
  expect(some.values).toEqual(['8', '64'])
  expect(some.scale).toBe(all.scale)
})

test('labels of the front name what no shape tells, the colour among it', () => {
  const { colours, labels, caption } = toldApart({
    ...{ chunk_size: [16, 64, 256], batch_size: [8, 64], max_memory_mb: [64, 256] },
    max_compute_units: [0.25, 0.5, 1],
  })
  expect(labels.length).toBeGreaterThan(0)
  const words = / · /
  if (labels.some(({ text }) => words.test(text)))
    expect(caption).toMatch(/ Labels name the [a-z ()]+ and what colour and shape do not\./)
  else for (const { text } of labels) expect(colours.domain).toContain(text)
})

test('two axes of the same values have a legend each', () => {
  const { legends } = toldApart({ chunk_size: [8, 64], batch_size: [8, 64], max_compute_units: [1] })
  expect([...legends].sort()).toEqual(['Batch size', 'Chunk size'])
})

test('lines of reference that lie on each other have one text', () => {
  const run = syntheticRun({
    ...{ chunk_size: [64, 256], batch_size: [8], max_memory_mb: [256], max_compute_units: [1], runs: 2 },
    ceiling: 0.78,
    alter: (trial, { settings }) =>
      trial.outcome === 'ok'
        ? { ...trial, metrics: { ...trial.metrics, r2: settings.chunk_size === 64 ? -30 : 0.5 } }
        : trial,
  })
  const { spec } = tradeoffPlot(modelOf(run), 'memory', 'memory.png')
  const { layer } = spec as unknown as { layer: { name: string; data: { values: { text: string }[] } }[] }
  expect(layer.find(({ name }) => name === 'reference_text')!.data.values.map(({ text }) => text)).toEqual([
    '',
    "The data's own noise caps R² over all rows at 0.780; guessing the mean: R² 0",
  ])
})

test('a run that is not over says on its pictures how many trials they rest on', () => {
  const { manifest, trials } = syntheticRun({ ...SMALL, runs: 2 })
  const part = buildReportModel({ ...manifest, finished_at: null }, trials.slice(0, 3))
  const { spec } = capsPlot(part, 'caps.png')
  expect(JSON.stringify(spec).replaceAll('","', ' ')).toContain(`only 3 of ${trials.length} trials so far`)
})
