/** What a reader sees of the axes: numbers that do not touch, and one scale where panels are held against each other. */
import * as vega from 'vega'
import { expect, it } from 'vitest'
import type { GateResult } from '../../../../harness/gate/types.ts'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { compileSpec } from '../../../../harness/report/plots/compile.ts'
import { ecdfPlot } from '../../../../harness/report/plots/distribution.ts'
import { gateProfilePlot } from '../../../../harness/report/plots/gate-profile.ts'
import { textWidth } from '../../../../harness/report/plots/text.ts'
import { FONT_SIZE } from '../../../../harness/report/plots/theme.ts'
import { LATENCY_SHARES } from '../../../../workers/protocol/trial-result.ts'
import { syntheticRun } from '../synthetic.ts'

interface Item {
  x?: number
  opacity?: number
  text?: unknown
  orient?: string
  mark?: { role?: string }
  items?: Item[]
}

/** Texts along each horizontal axis with their centres, px. */
function axes(item: Item, isAcross = false): { x: number; text: string }[][] {
  const across = isAcross || item.orient === 'bottom'
  const own = (item.items ?? []).filter((child) => child.mark?.role === 'axis-label' && child.opacity !== 0)
  const labels = own.map(({ x, text }) => ({ x: x!, text: String(text) }))
  return [
    ...(across && labels.length > 1 ? [labels] : []),
    ...(item.items ?? []).flatMap((one) => axes(one, across)),
  ]
}

// As the pictures are laid out: with the real font.
const { textMetrics } = vega as unknown as {
  textMetrics: { width(item: { fontSize?: number }, text: unknown): number }
}
textMetrics.width = ({ fontSize = 11 }, text) => textWidth(String(text), fontSize)

async function laidOut(spec: object): Promise<Item> {
  const view = await new vega.View(vega.parse(compileSpec(spec)), { renderer: 'none' }).runAsync()
  return (view.scenegraph() as unknown as { root: Item }).root
}

it('numbers along a narrow panel have room between them', async () => {
  const run = syntheticRun({
    ...{
      chunk_size: [64, 256],
      batch_size: [8],
      max_memory_mb: [256],
      max_compute_units: [0.1, 1],
      runs: 2,
    },
    // From a third of a millisecond to a quarter of a minute: a tick for each half of a decade.
    alter: (trial) =>
      trial.outcome === 'ok'
        ? { ...trial, event_latency_ms: LATENCY_SHARES.map((share) => 0.3 / (1.00002 - share)) }
        : trial,
  })
  for (const { point } of run.manifest.sweep.scenarios) point['mode'] = 'realtime'
  const { spec } = ecdfPlot(buildReportModel(run.manifest, run.trials), new Map(), 'x.png')
  const rows = axes(await laidOut(spec!))
  expect(rows.length).toBeGreaterThan(1)
  for (const labels of rows) {
    expect(labels.length).toBeGreaterThan(3)
    for (const [i, { x, text }] of labels.slice(1).entries()) {
      const before = labels[i]!
      const room =
        x - before.x - (textWidth(text, FONT_SIZE.tick) + textWidth(before.text, FONT_SIZE.tick)) / 2
      expect(room, `${before.text} and ${text}`).toBeGreaterThan(4)
      // As many decades from each to the next: none is left out between two.
      const ratio = (i: number) =>
        Number(labels[i + 1]!.text.replace(',', '')) / Number(labels[i]!.text.replace(',', ''))
      expect(Math.log10(ratio(i))).toBeCloseTo(Math.log10(ratio(0)), 6)
    }
  }
})

it('panels of a gate share a scale, say where the change is, and which scenarios they are', async () => {
  const profile = (i: number): GateResult['profiles'][number] => {
    const ratio = Array.from({ length: 20 }, (_, at) => (i === 7 ? 1 + at / 50 : 1 + 0.01 * Math.sin(at)))
    const where = i === 7 ? { shape: 'growing', first: 1, last: 1.38 } : { shape: 'everywhere' }
    const scenario = `s${i}`
    return {
      ...{ scenario, label: `chunk_size=${i}`, chunks: 1000, duets: 18, ratio, low: ratio, high: ratio },
      where: where as GateResult['profiles'][number]['where'],
    }
  }
  const gate = { profiles: Array.from({ length: 8 }, (_, i) => profile(i)), name: 'edge' }
  const plot = gateProfilePlot({ ...gate, candidate: 'b', baseline: 'a' } as unknown as GateResult, 'x.png')
  const text = JSON.stringify(plot.spec)
  expect(text).toContain('the 6 of 8 scenarios that change most')
  expect(text).toMatch(/chunk 7, 18 duets: 0% at the first chunks, \+38% at the last/)
  const domains = [...text.matchAll(/"type":"log","domain":(\[[^\]]+\])/g)].map(([, domain]) => domain)
  expect(domains.length).toBeGreaterThan(6)
  expect(new Set(domains).size).toBe(1)
})
