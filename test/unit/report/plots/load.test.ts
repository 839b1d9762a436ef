import { expect, it } from 'vitest'
import { buildReportModel } from '../../../../harness/report/model.ts'
import { loadPlot } from '../../../../harness/report/plots/load.ts'
import { runReport } from '../../../../harness/report/sections/run.ts'
import type { Scenario } from '../../../../harness/sweep/types.ts'
import { syntheticRun } from '../synthetic.ts'

const GRID = { chunk_size: [64, 256], batch_size: [8], max_memory_mb: [64], max_compute_units: [0.5] }

it('draws percentiles of event latency against the rate, and says what was sustained', () => {
  const { manifest, trials } = syntheticRun(GRID)
  expect(JSON.stringify(loadPlot(buildReportModel(manifest, trials), 'load.png'))).toContain(
    'no scenario runs in real time',
  )
  const ids = manifest.sweep.scenarios.map(({ id }) => id)
  const rateOf = (id: string) => 1000 * (1 + ids.indexOf(id))
  const scenarios = manifest.sweep.scenarios.map(
    (scenario): Scenario => ({
      ...scenario,
      point: { ...scenario.point, mode: 'realtime', 'arrival.rate': rateOf(scenario.id), deadline_ms: 50 },
    }),
  )
  const sweep = { ...manifest.sweep, scenarios, axes: ['arrival.rate'] }
  const live = (sustainedAt: (rate: number) => number | null) =>
    buildReportModel(
      { ...manifest, sweep },
      trials.map((trial) =>
        trial.outcome === 'ok'
          ? {
              ...trial,
              metrics: {
                ...trial.metrics,
                event_latency_p50_ms: 2,
                event_latency_p99_ms: rateOf(trial.scenario) / 100,
                sustained: sustainedAt(rateOf(trial.scenario)),
              },
            }
          : trial,
      ),
    )
  const model = live((rate) => (rate === 1000 ? 1 : 0))
  const text = JSON.stringify(loadPlot(model, 'load.png').spec)
  expect(text).toContain('were sustained, up to 1,000 events per second')
  expect(text).toContain('"state":"not sustained"')
  expect(text).toContain('deadline, 50 ms.')
  // What no trial could tell is not "no".
  const unknown = JSON.stringify(
    loadPlot(
      live(() => null),
      'load.png',
    ).spec,
  )
  expect(unknown).toMatch(/no trial could tell whether[^.]*sustained/)
  expect(unknown).not.toContain('"state":"not sustained"')
  const partly = JSON.stringify(
    loadPlot(
      live((rate) => (rate === 1000 ? 1 : null)),
      'load.png',
    ).spec,
  )
  expect(partly).toContain('Every rate of those that could be judged')
  expect(runReport(model).sections.map(({ id }) => id)).toContain('load')
  expect(runReport(buildReportModel(manifest, trials)).sections.map(({ id }) => id)).not.toContain('load')
})
