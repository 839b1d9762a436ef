import { describe, expect, it } from 'vitest'
import { energyOf } from '../../../../harness/execute/local/trial-result.ts'
import { chunkEnergy, type PipelineData } from '../../../../harness/report/pipeline/data.ts'
import { notMeasured } from '../../../../harness/report/pipeline/report-json.ts'
import type { WatchSummary } from '../../../../workers/protocol/supervisor.ts'
import type { TrialReport } from '../../../../workers/protocol/trial-process.ts'
import type { ChunkLogLine, OkTrial } from '../../../../workers/protocol/trial-result.ts'
import type { TrialSpec } from '../../../../workers/protocol/trial-spec.ts'

const WATTS = { idle: 2, per_core: 3 }
const WALL_S = 1.5
const CPU_S = 0.6

const chunk = (latency_ms: number, cpu_ms: number): ChunkLogLine => ({
  chunk: 0,
  rows: 50,
  first_row: 0,
  latency_ms,
  service_ms: latency_ms,
  cpu_ms,
  heap_mb: 1,
  external_mb: 1,
})

/** A trial whose energy is told as the executor does; the rest of the machine used `others` s of CPU time. */
function trialBeside(others: number | null, counted: number | null = null): OkTrial {
  const report = {
    metrics: { cpu_s: CPU_S },
    window: { from: 500, to: 500 + WALL_S * 1000 },
    machine_busy_ms: others === null ? null : (CPU_S + others) * 1000,
    energy: { joules: counted, source: counted === null ? null : 'rapl' },
  } as unknown as TrialReport
  const spec = { watts: WATTS } as unknown as TrialSpec
  const energy = energyOf(spec, report, { perf_joules: null } as unknown as WatchSummary, others !== 0)
  return {
    outcome: 'ok',
    metrics: { cpu_s: CPU_S, wall_s: WALL_S, energy_j: energy.joules },
    energy,
    noise: { others_cores: others === null ? null : others / WALL_S },
  } as unknown as OkTrial
}

describe('the energy of a chunk', () => {
  it('is its own CPU time and latency by the watts', () => {
    expect(chunkEnergy(WATTS, trialBeside(0))(chunk(100, 40))).toBeCloseTo(2 * 0.1 + 3 * 0.04, 12)
  })

  it.each([0, 0.6, 2.4])(
    'is the estimate of the trial for a chunk that is all of it, others using %d s',
    (others) => {
      const trial = trialBeside(others)
      expect(trial.energy).toMatchObject({ source: 'estimate', shared: others > 0 })
      const whole = chunkEnergy(WATTS, trial)(chunk(WALL_S * 1000, CPU_S * 1000))
      expect(whole).toBeCloseTo(trial.energy.joules!, 12)
    },
  )

  it('is an estimate also where the trial was counted', () => {
    const trial = trialBeside(0, 77)
    expect(trial.energy).toMatchObject({ joules: 77, source: 'rapl' })
    expect(chunkEnergy(WATTS, trial)(chunk(100, 40))).toBeCloseTo(0.32, 12)
  })

  it('is unknown without watts, without a trial, and where the part of the machine is unknown', () => {
    expect(chunkEnergy(null, trialBeside(0))(chunk(100, 40))).toBeNull()
    expect(chunkEnergy(WATTS, undefined)(chunk(100, 40))).toBeNull()
    expect(trialBeside(null).energy.joules).toBeNull()
    expect(chunkEnergy(WATTS, trialBeside(null))(chunk(100, 40))).toBeNull()
  })
})

describe('what was not measured', () => {
  const TABLES = ['benchmarks/constraint_experiment.csv', 'benchmarks/resource_vs_accuracy.csv']
  const COLUMNS = ['reports/streaming_chunks.jsonl', ...TABLES].flatMap((file) => [
    `${file}: energy_j`,
    `${file}: energy_source`,
  ])

  function reasons(trial: OkTrial, watts: typeof WATTS | null, profile: Parameters<typeof notMeasured>[2]) {
    const measured = {
      scenario: { watts },
      report: { energy_source: trial.energy.source, outcomes: { ok: 1 } },
      trials: [trial],
      chunks: [chunk(100, 40)],
    }
    const data = {
      batch: measured,
      streaming: measured,
      grid: [measured],
      sizes: [],
    } as unknown as PipelineData
    const columns = [
      ['energy_j', [trial.energy.joules]],
      ['energy_source', [trial.energy.source]],
    ] as const
    const tables = TABLES.map((file) => ({ file, columns: [...columns] }))
    return Object.entries(notMeasured(data, tables, profile)).filter(([column]) => column.includes('energy'))
  }
  const named = (watts: typeof WATTS | null) => ({ name: 'mine', path: '/mine.yaml', watts })
  const without = {
    ...trialBeside(null),
    energy: { joules: null, source: null, shared: false },
  } as OkTrial

  it('names no column of energy that holds an estimate', () => {
    expect(reasons(trialBeside(0), WATTS, named(WATTS))).toEqual([])
  })

  it.each([
    ['no profile', without, null, null, /no --profile gives the watts/],
    ['a profile without watts', without, null, named(null), /profile mine gives no watts/],
    ['a machine that does not tell', trialBeside(null), WATTS, named(WATTS), /--n-jobs 1 runs one at a time/],
  ])('gives the reason under %s', (_, trial, watts, profile, why) => {
    const told = reasons(trial, watts, profile)
    expect(told.map(([column]) => column)).toEqual(COLUMNS)
    for (const [column, reason] of told) expect(reason, column).toMatch(why)
  })

  it('names the chunks alone where counters told of the trials', () => {
    const told = reasons(trialBeside(0, 77), null, null)
    expect(told.map(([column]) => column)).toEqual(COLUMNS.slice(0, 2))
    for (const [, reason] of told) expect(reason).toMatch(/^energy counters are read once per trial/)
  })
})
