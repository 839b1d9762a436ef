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
  const live = trials.map((trial) =>
    trial.outcome === 'ok'
      ? {
          ...trial,
          metrics: {
            ...trial.metrics,
            event_latency_p50_ms: 2,
            event_latency_p99_ms: rateOf(trial.scenario) / 100,
            sustained: rateOf(trial.scenario) === 1000 ? 1 : 0,
          },
        }
      : trial,
  )
  const model = buildReportModel({ ...manifest, sweep }, live)
  const text = JSON.stringify(loadPlot(model, 'load.png').spec)
  expect(text).toContain('were sustained, up to 1,000 events per second')
  expect(text).toContain('"state":"not sustained"')
  expect(text).toContain('deadline, 50 ms.')
  expect(runReport(model).sections.map(({ id }) => id)).toContain('load')
  expect(runReport(buildReportModel(manifest, trials)).sections.map(({ id }) => id)).not.toContain('load')
})
