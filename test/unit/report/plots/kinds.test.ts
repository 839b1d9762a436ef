/** The pictures beyond the usual ones: what each draws, of what, and what it says where it cannot. */

import fc from 'fast-check'
import { parse, View } from 'vega'
import { compile } from 'vega-lite'
import { describe, expect, it } from 'vitest'
import { stepsOf, summariseLogs } from '../../../../harness/report/chunk-logs.ts'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { compileSpec } from '../../../../harness/report/plots/compile.ts'
import { drawPicture } from '../../../../harness/report/plots/draw.ts'
import { namesOf, PLOTS } from '../../../../harness/report/plots/names.ts'
import { picturesOf } from '../../../../harness/report/section.ts'
import { runReport } from '../../../../harness/report/sections/run.ts'
import {
  type ChunkLogLine,
  LATENCY_SHARES,
  type TrialResult,
} from '../../../../workers/protocol/trial-result.ts'
import { measuring } from '../../../fixtures/trials.ts'
import { type Shape, syntheticRun } from '../synthetic.ts'

const FULL = process.env['STINT_FULL'] === '1'

const FEW: Shape = {
  chunk_size: [64, 256],
  batch_size: [8],
  max_memory_mb: [32],
  max_compute_units: [0.5, 1],
  runs: 2,
}
const ROWS = 50_000

type Run = Omit<ReturnType<typeof syntheticRun>, 'notes'>
type Reader = (trial: string) => ChunkLogLine[]

const chunk = (i: number): ChunkLogLine => ({
  ...{ chunk: i, rows: 100, first_row: i * 100, latency_ms: i % 2 === 0 ? 2 : 4, service_ms: 2, cpu_ms: 1 },
  ...{ heap_mb: 10 + i / 10, external_mb: 1, operators_ms: { read: 0.5, learn: 1 } },
})
const hundred: Reader = () => Array.from({ length: 100 }, (_, i) => chunk(i))

const plotsOf =
  (run: Run, read: Reader = hundred) =>
  (plots = namesOf(PLOTS.run)) => {
    const logs = summariseLogs(run.manifest, run.trials, read)
    const report = runReport(buildReportModel(run.manifest, run.trials), [], {
      plots,
      logs,
    })
    const named = picturesOf(report).map((plot) => [/(\w+)\.png$/.exec(plot.file)![1], plot] as const)
    return new Map(named)
  }

function textOf(plots: ReturnType<typeof plotsOf>, name: keyof typeof PLOTS.run): string {
  const { spec, skipped } = plots([name]).get(name)!
  return skipped ?? JSON.stringify(spec)
}

/** Every row of data in a specification, in its order. */
function rowsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(rowsIn)
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'data' ? ((inner as { values: Record<string, unknown>[] }).values ?? []) : rowsIn(inner),
  )
}

const scored = (trial: TrialResult, info: Record<string, unknown>): TrialResult =>
  trial.outcome === 'ok' ? { ...trial, info } : trial

describe('the distribution of latency', () => {
  it('has one step for equal values, each at the share of values that are no larger', () => {
    expect(stepsOf([3, 1, 2, 2])).toEqual([
      { ms: 1, share: 0.25 },
      { ms: 2, share: 0.75 },
      { ms: 3, share: 1 },
    ])
    expect(stepsOf([5, 5, 5])).toEqual([{ ms: 5, share: 1 }])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 2000 }), (values) => {
        const steps = stepsOf(values)
        expect(steps.length).toBeLessThanOrEqual(122)
        expect(steps[0]!.ms).toBe(Math.min(...values))
        expect(steps.at(-1)).toEqual({ ms: Math.max(...values), share: 1 })
        for (const { ms, share } of steps)
          expect(share).toBe(values.filter((value) => value <= ms).length / values.length)
      }),
      { numRuns: 50 },
    )
  })

  it('says that a log holds a sample, and takes no share of what is not in it', () => {
    const run = syntheticRun(FEW)
    const each = Math.ceil(ROWS / 64)
    // Lines break anywhere.
    const text = textOf(plotsOf(run), 'latency_ecdf').replaceAll('","', ' ')
    expect(text).toMatch(
      new RegExp(
        `Some logs hold a sample, at the least ${((100 * 100) / each).toPrecision(2)}% of the chunks`,
      ),
    )
    const whole = {
      ...run,
      trials: run.trials.map((trial) => measuring(trial, () => ({ chunks: 100 }))),
    }
    expect(textOf(plotsOf(whole), 'latency_ecdf')).not.toContain('sample')
    expect(
      textOf(
        plotsOf(run, () => []),
        'latency_ecdf',
      ),
    ).toBe('no trial left a chunk log')
  })

  it('shows percentiles that were measured: of chunks none beyond the 99th, of events the 99.9th', () => {
    const run = syntheticRun(FEW)
    const ends = (text: string) =>
      rowsIn(JSON.parse(text)).flatMap(({ x }) => (typeof x === 'number' ? [Math.round(x)] : []))
    expect(Math.max(...ends(textOf(plotsOf(run), 'latency_percentiles')))).toBe(100)
    const trials = run.trials.map((trial) =>
      measuring(trial, () => ({
        event_latency_p50_ms: 4,
        event_latency_p99_ms: 40,
        event_latency_p99_9_ms: 90,
      })),
    )
    for (const { point } of run.manifest.sweep.scenarios) point['mode'] = 'realtime'
    const text = textOf(plotsOf({ ...run, trials }), 'latency_percentiles')
    expect(Math.max(...ends(text))).toBe(1000)
    expect(text).toContain('The 99th percentile of event latency is 10 times the median')
  })

  it('tells lines of two colours apart by dashes, and parts of bars by numbers, which legends name too', () => {
    const plots = plotsOf(syntheticRun(FEW))
    const lines = JSON.parse(textOf(plots, 'latency_ecdf'))
    const { legends = [], scales = [] } = compile(lines).spec
    const [dashes] = scales.filter(({ name }) => name === 'strokeDash')
    expect(dashes).toMatchObject({
      domain: ['64', '256'],
      range: [
        [1, 0],
        [9, 3],
      ],
    })
    expect(legends).toHaveLength(1)
    expect(legends[0]).toMatchObject({ stroke: 'color', strokeDash: 'strokeDash' })
    const { layer } = JSON.parse(textOf(plots, 'operators'))
    const { transform } = layer.find(({ name }: { name: string }) => name === 'numbers')
    expect(transform).toContainEqual({
      calculate: 'indexof(["read","learn","rest of the step"], datum.part) + 1',
      as: 'number',
    })
    const { encoding } = layer.find(({ name }: { name: string }) => name === 'operators')
    expect(encoding.color.scale.domain).toEqual(['read', 'learn', 'rest of the step'])
  })

  it('is that of events where they arrive on their own clock: the mean of the trials, without any chunk log', () => {
    const run = syntheticRun(FEW)
    const trials = run.trials.map((trial) =>
      trial.outcome === 'ok'
        ? { ...trial, event_latency_ms: LATENCY_SHARES.map((share) => (trial.round === 0 ? 10 : 30) * share) }
        : trial,
    )
    const text = textOf(
      plotsOf({ ...run, trials }, () => []),
      'latency_ecdf',
    )
    // Of the first panel.
    const points = rowsIn(JSON.parse(text))
      .filter(({ line }) => line === 0)
      .slice(0, LATENCY_SHARES.length + 1)
    expect(points).toHaveLength(LATENCY_SHARES.length + 1)
    for (const { x, y } of points.slice(1) as Record<'x' | 'y', number>[]) expect(x).toBeCloseTo(20 * y, 9)
    expect(text).toContain('Event latency (ms)')
    expect(text).toContain('Half of the events take at most 10.0 ms')
  })
})

describe('growth', () => {
  it('draws the power that the report states, and its interval', () => {
    const run = syntheticRun({
      ...FEW,
      chunk_size: [64, 256, 1024],
      max_memory_mb: [null],
      max_compute_units: [1],
    })
    run.manifest.sweep.axes = ['dataset.rows']
    for (const { point, settings } of run.manifest.sweep.scenarios)
      point['dataset.rows'] = settings.chunk_size
    const model = buildReportModel(run.manifest, run.trials)
    const [growth] = model.growth
    const rows = rowsIn(JSON.parse(textOf(plotsOf(run), 'growth')))
      .filter(({ low }) => low !== undefined)
      .slice(0, 3)
    const powerOf = (field: string) => {
      const [first, , last] = rows as Record<string, number>[]
      return Math.log(last![field]! / first![field]!) / Math.log(last!['rows']! / first!['rows']!)
    }
    expect(powerOf('value')).toBeCloseTo(growth!.power, 9)
    // Both ends lie on lines through the middle.
    const [first, middle, last] = rows as Record<string, number>[]
    expect(
      Math.log(last!['high']! / middle!['value']!) / Math.log(last!['rows']! / middle!['rows']!),
    ).toBeCloseTo(growth!.high, 9)
    expect(
      Math.log(first!['high']! / middle!['value']!) / Math.log(first!['rows']! / middle!['rows']!),
    ).toBeCloseTo(growth!.low, 9)
    expect(textOf(plotsOf(syntheticRun(FEW)), 'growth')).toBe('dataset.rows is no axis')
  })
})

describe('along the stream', () => {
  const rows = [10_000, 30_000, ROWS - 256]
  const curve = { window: 1000, rows, r2: [0.1, 0.2, 0.3], window_r2: [0.2, 0.4, 0.5] }
  const info = { rows: ROWS, scored: ROWS - 256, rows_without_target: 0, curve }

  it('accuracy reaches the last row, once for the scenarios that share it, with alarms on it', () => {
    const run = syntheticRun({ ...FEW, alter: (trial) => scored(trial, info) })
    const read: Reader = (trial) =>
      hundred(trial).map((line, i) =>
        i === 50
          ? { ...line, detail: { drift: [{ row: 20_256, stream: 'error', detector: 'adwin' }] } }
          : line,
      )
    const text = textOf(plotsOf(run, read), 'accuracy_over_rows')
    const data = rowsIn(JSON.parse(text))
    const points = data.filter(({ place }) => place !== undefined)
    expect(points.map(({ x, y }) => [x, y])).toEqual([
      [10_256, 0.2],
      [30_256, 0.4],
      [ROWS, 0.5],
    ])
    const [mark] = data.filter(({ tip }) => tip !== undefined)
    expect(mark).toMatchObject({ x: 20_256, tip: 'adwin on the error, row 20,256' })
    expect(mark!['y']).toBeCloseTo(0.3, 9)
    expect(text).toContain('4 scenarios have 1 curve')
    expect(text).toContain('Over the last 1,000 rows')
    expect(textOf(plotsOf(syntheticRun(FEW)), 'accuracy_over_rows')).toBe(
      'no ok trial reports a curve of its accuracy over the rows',
    )
  })

  it('memory counts from the idle worker as its cap does, and no cap is drawn where that is not known', () => {
    const known = syntheticRun({ ...FEW, alter: (trial) => measuring(trial, () => ({ idle_worker_mb: 7 })) })
    const text = textOf(plotsOf(known), 'memory_over_time')
    const data = rowsIn(JSON.parse(text))
    expect(Math.max(...data.flatMap(({ y }) => (typeof y === 'number' ? [y] : [])))).toBeCloseTo(
      19.9 + 1 - 7,
      6,
    )
    expect(data).toContainEqual({ value: 32, text: 'cap 32 MB' })
    expect(text).toContain('Above an idle worker (MB)')
    const old = textOf(plotsOf(syntheticRun(FEW)), 'memory_over_time')
    expect(rowsIn(JSON.parse(old))).not.toContainEqual({ value: 32, text: 'cap 32 MB' })
    expect(old).toContain('so that none is drawn')
    for (const { point } of known.manifest.sweep.scenarios) point['memory_scope'] = 'process'
    expect(textOf(plotsOf(known), 'memory_over_time')).not.toContain('cap 32 MB')
  })

  it('time has one scale in all panels, a logarithmic one where trials differ much in length', () => {
    const run = syntheticRun({ ...FEW, max_memory_mb: [32, 64] })
    const lasting =
      (factor: number): Reader =>
      (trial) => {
        const isLong = run.trials.find((one) => one.trial === trial)!.scenario.includes('u0.5')
        return Array.from({ length: 50 }, (_, i) => ({ ...chunk(i), latency_ms: isLong ? 2 * factor : 2 }))
      }
    const scales = (factor: number) => {
      const { text } = { text: textOf(plotsOf(run, lasting(factor)), 'memory_over_time') }
      const found = text.match(/"field":"x","type":"quantitative","scale":\{[^}]*\}/g) ?? []
      return { text, scales: [...new Set(found)] }
    }
    expect(scales(3).scales).toHaveLength(1)
    expect(scales(3).scales[0]).not.toContain('"type":"log"')
    expect(scales(20).scales).toHaveLength(1)
    expect(scales(20).scales[0]).toContain('"type":"log"')
    expect(scales(20).text).toContain('Trials last from 0.100 to 2.00 s')
  })

  it('adds up no time from a sample, and takes backlog and time from an open loop', () => {
    const sample: Reader = (trial) => hundred(trial).filter((_, i) => i % 3 === 0)
    expect(textOf(plotsOf(syntheticRun(FEW), sample), 'memory_over_time')).toContain(
      'no time can be added up',
    )
    const open: Reader = (trial) =>
      sample(trial).map((line, i) => ({ ...line, start_ms: 100 * i, arrived_ms: 0, backlog_rows: i }))
    const run = syntheticRun(FEW)
    for (const { point } of run.manifest.sweep.scenarios) point['queue.limit_rows'] = 50
    const data = rowsIn(JSON.parse(textOf(plotsOf(run, open), 'memory_over_time')))
    expect(data).toContainEqual(expect.objectContaining({ x: 3.3, y: 33 }))
    expect(data).toContainEqual({ value: 50, text: 'queue.limit_rows 50' })
  })

  it('shows where the time of a step goes, and what is in no operator', () => {
    const data = rowsIn(JSON.parse(textOf(plotsOf(syntheticRun(FEW)), 'operators'))).filter(
      ({ part }) => part,
    )
    expect(data).toHaveLength(12)
    const [read, learn, rest] = data as { part: string; from: number; to: number }[]
    expect([read!.part, learn!.part, rest!.part]).toEqual(['read', 'learn', 'rest of the step'])
    expect([read!.to, learn!.to, rest!.to]).toEqual([5, 15, 20])
  })
})

describe('the map of verdicts', () => {
  it('is for more comparisons than a forest has room for, a cell for each', () => {
    expect(textOf(plotsOf(syntheticRun(FEW)), 'significance_map')).toMatch(/"significance" has room for all/)
    const many = syntheticRun({
      chunk_size: [16, 32, 64, 128],
      batch_size: [8, 16],
      max_memory_mb: [256],
      runs: 2,
    })
    const plots = plotsOf(many)
    const cells = rowsIn(JSON.parse(textOf(plots, 'significance_map'))).filter(
      (row) => row['class'] !== undefined,
    )
    expect(cells).toHaveLength(4 * 2 * 2 * 4)
    expect(cells[0]).toMatchObject({ row: 'chunk 16, batch 8', column: '0.25 against 1 core' })
  })
})

describe('profiles', () => {
  it('joins what differs in the profile only, and takes what a profile sets for no axis', () => {
    const run = syntheticRun(FEW)
    run.manifest.sweep.axes = ['profile', 'chunk_size', 'max_compute_units']
    for (const { point, settings } of run.manifest.sweep.scenarios)
      point['profile'] = settings.max_compute_units === 1 ? 'server' : 'pi'
    const text = textOf(plotsOf(run), 'profiles')
    const lines = new Set(rowsIn(JSON.parse(text)).flatMap(({ line }) => (line === undefined ? [] : [line])))
    expect([...lines]).toEqual(['["64"]', '["256"]'])
    expect(text.replaceAll('","', ' ')).toMatch(/Latency per row: [\d.]+ us on server, [\d.]+ us on pi/)
  })
})

describe('any number of scenarios', () => {
  const two: Shape = {
    ...{ chunk_size: [64], batch_size: [8], max_memory_mb: [256], max_compute_units: [0.5, 1], runs: 2 },
  }
  const shapes: [number, Shape][] = [
    ...(FULL ? [[2, two] satisfies [number, Shape]] : []),
    [
      FULL ? 200 : 32,
      {
        chunk_size: FULL ? [16, 32, 64, 128, 256] : [16, 64],
        batch_size: FULL ? [4, 8, 16, 32, 64] : [8, 64],
        max_memory_mb: [64, 256],
        max_compute_units: [0.1, 0.25, 0.5, 1],
        runs: 1,
      },
    ],
  ]
  it.each(shapes)('%i: every picture that has data compiles and is laid out', async (_, shape) => {
    const run = syntheticRun({
      ...shape,
      alter: (trial, { settings }) => {
        const r2 = [0.1, 0.2, 0.3].map((score) => score + 0.01 * settings.batch_size)
        const info = {
          rows: 900,
          scored: 900,
          curve: { rows: [300, 600, 900], r2, window_r2: r2, window: 100 },
        }
        return scored(
          measuring(trial, ({ cpu_s }) => ({ idle_worker_mb: 7, energy_j: 3 * (cpu_s ?? 1) })),
          info,
        )
      },
    })
    const drawn: string[] = []
    for (const [name, { spec }] of plotsOf(run)()) {
      if (spec === undefined) continue
      drawn.push(name!)
      if (name === 'significance_map') {
        // As wide as it is drawn, with the real font: twice the picture's own size.
        const { width } = await drawPicture(spec)
        expect(width / 2).toBeLessThanOrEqual(1900)
        continue
      }
      const view = new View(parse(compileSpec(spec)), { renderer: 'none' })
      expect(await view.toSVG(), name).toMatch(/^<svg/)
      view.finalize()
    }
    expect(drawn).toEqual(
      expect.arrayContaining([
        'energy_vs_accuracy',
        'throughput_vs_memory',
        'latency_ecdf',
        'latency_percentiles',
        'operators',
        'accuracy_over_rows',
        'memory_over_time',
      ]),
    )
  })
})
