import { describe, expect, it } from 'vitest'
import { compareScenarios } from '../../../harness/analyse/compare.ts'
import { verdictOf } from '../../../harness/analyse/comparison.ts'
import { holm } from '../../../harness/analyse/correct.ts'
import { groupByScenario } from '../../../harness/analyse/values.ts'
import { formatWarning } from '../../../harness/analyse/warnings.ts'
import { sizeText } from '../../../harness/report/words.ts'
import type { CompareSettings } from '../../../harness/sweep/types.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { ended } from '../../fixtures/trials.ts'
import { METRICS, makeScenario, makeTrial, trialsOf } from './make-trials.ts'

const settings = (metric: string, more: Partial<CompareSettings> = {}): CompareSettings => ({
  reference: null,
  metrics: [metric],
  alpha: 0.05,
  unpaired_expected: false,
  correction: 'holm',
  margin: 0.02,
  ...more,
})

const SLOW = [13.1, 12.8, 13.4, 13.0, 12.9]
const FAST = [10.1, 9.9, 10.2, 10.0, 9.8]

function compareTwo(metric: string, trials: TrialResult[], more: Partial<CompareSettings> = {}) {
  const scenarios = [makeScenario('x'), makeScenario('y')]
  const { rows } = compareScenarios({ trials, scenarios, metrics: METRICS, settings: settings(metric, more) })
  expect(rows).toHaveLength(1)
  return rows[0]!
}

function compareValues(metric: string, x: (number | null)[], y: (number | null)[]) {
  return compareTwo(metric, [...trialsOf('x', metric, x), ...trialsOf('y', metric, y)])
}

const kinds = (row: { warnings: { kind: string }[] }) => row.warnings.map((warning) => warning.kind)

describe('trials of several machines', () => {
  /** Rounds in turns on machines of which each is ten times slower than the one before. */
  const on = (machines: number, scenario: string, ms: readonly number[], shift = 0) =>
    ms.map((value, index) => {
      const n = (index + shift) % machines
      return makeTrial(scenario, index + 1, {
        machine: `m${n}`,
        metrics: { latency_mean_ms: value * 10 ** n },
      })
    })

  it('are compared within each machine, round by round', () => {
    const [one, three] = [1, 3].map((machines) =>
      compareTwo('latency_mean_ms', [...on(machines, 'x', SLOW), ...on(machines, 'y', FAST)]),
    )
    expect(one).toMatchObject({ test: 'welch', n_a: 5, verdict: 'faster' })
    expect(three).toMatchObject({ test: 'paired_by_round', n_a: 5, n_b: 5, df: 4, verdict: 'faster' })
    expect(three!.ratio).toBeCloseTo(one!.ratio!, 10)
    // Pooled, the machines' tenfold differences would drown it.
    expect(three!.p).toBeLessThan(1e-4)
    expect(kinds(three!)).toContain('machine_is_block')
    expect(kinds(one!)).not.toContain('machine_is_block')
  })

  it('that share no round are pooled, which is said', () => {
    const row = compareTwo('latency_mean_ms', [...on(2, 'x', SLOW), ...on(2, 'y', FAST, 1)])
    expect(row).toMatchObject({ test: 'welch', verdict: 'undecided' })
    expect(kinds(row).filter((kind) => kind === 'machines_pooled')).toHaveLength(2)
  })
})

describe('scores that may be zero or negative', () => {
  it.each([
    [0.6, -7.32, 'worse'],
    [-7.32, 0.6, 'better'],
    [0.004, 0.014, 'equivalent'],
    [-0.004, -0.03, 'worse'],
    [0, 0.019, 'equivalent'],
    [0.9, 0.8815, 'equivalent'],
    [0.9, 0.8785, 'worse'],
  ])('are compared by their difference, exactly: %d and %d, %s', (a, b, verdict) => {
    const row = compareValues('r2_signed', [a, a], [b, b])
    expect(row).toMatchObject({ verdict, ratio: null, compared_by: 'difference', test: 'exact' })
    expect(row.difference).toBeCloseTo(b - a, 12)
    expect(kinds(row)).not.toContain('ratio_undefined')
  })

  it('are compared by the interval of their difference where they vary', () => {
    const row = compareValues('skill', [0.01, -0.01, 0, 0.005, -0.005], [-0.99, -1.01, -1, -0.995, -1.005])
    expect(row).toMatchObject({
      verdict: 'worse',
      ratio: null,
      ratio_ci_low: null,
      compared_by: 'difference',
    })
    expect(row.difference).toBeCloseTo(-1, 12)
    expect(row.difference_ci_low).toBeGreaterThan(-1.02)
    expect(row.difference_ci_high).toBeLessThan(-0.98)
    const same = compareValues(
      'skill',
      [0.01, -0.01, 0, 0.005, -0.005],
      [0.012, -0.008, 0.002, 0.007, -0.003],
    )
    expect(same.verdict).toBe('equivalent')
    expect(sizeText(same)).toMatch(/^\+0\.002\d* \[−0\.0\d+, \+0\.01\d*\]$/)
  })

  it('have equivalence and power as amounts', () => {
    const scenarios = [makeScenario('x'), makeScenario('y')]
    const trials = [
      ...trialsOf('x', 'skill', [0.001, -0.001, 0, 0.0005, -0.0005]),
      ...trialsOf('y', 'skill', [0.0012, -0.0008, 0.0002, 0.0007, -0.0003]),
    ]
    const { rows } = compareScenarios({
      trials,
      scenarios,
      metrics: METRICS,
      settings: settings('skill'),
      seed: 1,
    })
    const { equivalence_p, smallest_change, median_ratio } = rows[0]!.secondary_tests
    expect(equivalence_p).toBeLessThan(1e-6)
    expect(smallest_change).toBeLessThan(0.005)
    expect(median_ratio).toBeNull()
  })

  it('give no negative ratio where a workload does not say that they may be so', () => {
    const row = compareValues(
      'drift',
      FAST,
      SLOW.map((value) => -value),
    )
    expect(row).toMatchObject({ verdict: 'lower', ratio: null, ratio_ci_low: null, ratio_ci_high: null })
    expect(sizeText(row)).toMatch(/^−23/)
  })
})

describe('verdicts of measured metrics', () => {
  it('calls times slower and faster', () => {
    const row = compareValues('latency_p50_ms', FAST, SLOW)
    expect(row).toMatchObject({ a: 'x', b: 'y', n_a: 5, n_b: 5, verdict: 'slower', scale: 'log' })
    expect(row.ratio_ci_low).toBeGreaterThan(1.02)
    expect(row.mean_b! - row.mean_a!).toBeCloseTo(row.difference!, 12)
    expect(row.hedges_g).toBeGreaterThan(0)
    expect(compareValues('latency_p50_ms', SLOW, FAST).verdict).toBe('faster')
  })

  it('knows that more throughput is better, less memory too, and takes no side on neutral ones', () => {
    expect(compareValues('throughput_rows_s', FAST, SLOW).verdict).toBe('better')
    expect(compareValues('throughput_rows_s', SLOW, FAST).verdict).toBe('worse')
    expect(compareValues('peak_memory_mb', FAST, SLOW).verdict).toBe('worse')
    expect(compareValues('drift', FAST, SLOW).verdict).toBe('higher')
    expect(compareValues('drift', SLOW, FAST).verdict).toBe('lower')
  })

  it('calls equivalent only what lies within the margin as a whole', () => {
    const tight = [10, 10.01, 9.99, 10.0, 10.02]
    expect(compareValues('latency_p50_ms', tight, [10.01, 10.02, 10, 9.98, 10.03]).verdict).toBe('equivalent')
    expect(compareValues('latency_p50_ms', FAST, [10.4, 9.7, 10.1, 9.9, 10.3]).verdict).toBe('undecided')
  })

  it('claims nothing from one trial a side', () => {
    const row = compareValues('latency_p50_ms', [1], [5])
    expect(row).toMatchObject({
      ratio: expect.closeTo(5, 10),
      p: null,
      ratio_ci_low: null,
      verdict: 'undecided',
    })
    expect(kinds(row)).toContain('too_few_values')
  })

  it('compares constant values exactly', () => {
    const row = compareValues('latency_p50_ms', [2, 2, 2], [3, 3])
    expect(row).toMatchObject({ ratio: 1.5, p: null, t: null, ratio_ci_low: null, verdict: 'slower' })
    expect(kinds(row)).toEqual(['constant'])
    expect(compareValues('gc_count', [0, 0], [0, 0]).verdict).toBe('equivalent')
    expect(compareValues('gc_count', [0, 0], [3, 3]).verdict).toBe('worse')
  })

  it('gives null rather than garbage where a log does not exist', () => {
    const row = compareValues('latency_p50_ms', [0, 1, 2], FAST)
    expect(row).toMatchObject({ ratio: null, p: null, hedges_g: null, verdict: 'undecided' })
    expect(kinds(row)).toEqual(['not_positive'])
  })

  it('does not test what was never measured', () => {
    const row = compareValues('latency_p50_ms', [null, null], FAST)
    expect(row).toMatchObject({ n_a: 0, mean_a: null, difference: null, verdict: 'not_tested' })
    expect(kinds(row)).toEqual(['no_values'])
  })
})

describe('verdictOf', () => {
  const time = METRICS.get('wall_s')!
  it.each([
    [0.021, 0.05, 'slower'],
    [-0.05, -0.021, 'faster'],
    [-0.02, 0.02, 'equivalent'],
    [0.01, 0.05, 'undecided'],
    [-0.05, 0.01, 'undecided'],
    [-0.05, 0.05, 'undecided'],
    [0.02, 0.05, 'undecided'],
  ])('from %f to %f is %s', (low, high, expected) => {
    expect(verdictOf({ low, high }, 0.02, time)).toBe(expected)
  })
})

describe('deterministic metrics', () => {
  it('are compared exactly against the margin', () => {
    const row = compareValues('r2', [0.8, 0.8], [0.7, 0.7])
    expect(row).toMatchObject({ p: null, t: null, hedges_g: null, verdict: 'worse' })
    expect(kinds(row)).toEqual(['deterministic'])
    expect(compareValues('r2', [0.8, 0.8], [0.81, 0.81]).verdict).toBe('equivalent')
    expect(compareValues('r2', [-0.2, -0.2], [-0.1, -0.1])).toMatchObject({ ratio: null, verdict: 'better' })
  })

  it('raise the alarm when they are not, and claim nothing', () => {
    const row = compareValues('r2', [0.8, 0.8], [0.7, 0.70001])
    expect(row.verdict).toBe('undecided')
    expect(row.warnings).toContainEqual({ kind: 'not_deterministic', side: 'b', low: 0.7, high: 0.70001 })
  })
})

describe('what the trials themselves tell', () => {
  const energy = (scenario: string, values: number[], source: 'rapl' | 'estimate', shared = false) =>
    values.map((joules, round) =>
      makeTrial(scenario, round, { metrics: { energy_j: joules }, energy: { joules, source, shared } }),
    )

  it('shows estimated energy and never tests it', () => {
    const row = compareTwo('energy_j', [...energy('x', FAST, 'rapl'), ...energy('y', SLOW, 'estimate')])
    expect(row).toMatchObject({ mean_a: 10, p: null, ratio: null, verdict: 'not_tested' })
    expect(kinds(row)).toEqual(['estimated_energy'])
  })

  it('tests measured energy, and no part of counters that others shared', () => {
    const measured = compareTwo('energy_j', [...energy('x', FAST, 'rapl'), ...energy('y', SLOW, 'rapl')])
    expect(measured.p).toBeLessThan(0.05)
    expect(kinds(measured)).toEqual([])
    for (const alsoShared of [false, true]) {
      const row = compareTwo('energy_j', [
        ...energy('x', FAST, 'rapl', alsoShared),
        ...energy('y', SLOW, 'rapl', true),
      ])
      expect(row).toMatchObject({ mean_a: 10, p: null, ratio: null, verdict: 'not_tested' })
      expect(kinds(row)).toEqual(['shared_energy'])
    }
  })

  it('uses ok trials alone and reports unequal outcomes', () => {
    const lost = ended(makeTrial('y', 5, { metrics: { latency_p50_ms: 1e6 } }), 'out_of_memory')
    const trials = [...trialsOf('x', 'latency_p50_ms', FAST), ...trialsOf('y', 'latency_p50_ms', SLOW), lost]
    const row = compareTwo('latency_p50_ms', trials)
    expect(row.n_b).toBe(5)
    expect(row.mean_b).toBeLessThan(14)
    expect(row.warnings).toMatchObject([{ kind: 'unequal_outcomes', b: { ok: 5, out_of_memory: 1 } }])
  })

  it('warns of loose caps and of different mechanisms', () => {
    const capped = (
      trial: TrialResult,
      mechanism: 'cgroup_v2' | 'duty_cycle',
      enforced: boolean,
    ): TrialResult => ({
      ...trial,
      caps: { ...trial.caps, compute: { ...trial.caps.compute, asked: 0.5, mechanism, enforced } },
    })
    const trials = [
      ...trialsOf('x', 'latency_p50_ms', FAST).map((t) => capped(t, 'cgroup_v2', true)),
      ...trialsOf('y', 'latency_p50_ms', SLOW).map((t) => capped(t, 'duty_cycle', false)),
    ]
    expect(kinds(compareTwo('latency_p50_ms', trials))).toEqual(['cap_not_enforced', 'different_mechanisms'])
  })
})

describe('the table', () => {
  const scenarios = ['x', 'y', 'z'].map((id) => makeScenario(id))
  const trials = [
    ...trialsOf('x', 'latency_p50_ms', FAST),
    ...trialsOf('y', 'latency_p50_ms', SLOW),
    ...trialsOf('z', 'latency_p50_ms', [10.5, 10.2, 10.3, 10.6, 9.9]),
  ]

  it('corrects over the pairs of one metric', () => {
    const extra = trials.map((t) => ({
      ...t,
      metrics: { ...t.metrics, wall_s: t.metrics['latency_p50_ms']! },
    }))
    const both = settings('wall_s', { metrics: ['latency_p50_ms', 'wall_s'] })
    const { rows, notes } = compareScenarios({ trials: extra, scenarios, metrics: METRICS, settings: both })
    expect(rows.map((row) => row.metric)).toEqual(['latency_p50_ms', 'latency_p50_ms', 'wall_s', 'wall_s'])
    for (const part of [rows.slice(0, 2), rows.slice(2)]) {
      expect(part.map((row) => row.p_adjusted)).toEqual(holm(part.map((row) => row.p)))
    }
    expect(notes).toEqual([{ kind: 'reference_chosen', scenario: 'x', pairs: 2 }])
  })

  it('says when a difference does not outlive the correction', () => {
    const many = Array.from({ length: 60 }, (_, i) => makeScenario(`s${i}`))
    const wobble = (i: number) => FAST.map((value) => value * (1 + (i % 7) / 100))
    const data = many.flatMap(({ id }, i) => trialsOf(id, 'latency_p50_ms', wobble(i)))
    const lax = settings('latency_p50_ms', { margin: 0 })
    const { rows } = compareScenarios({ trials: data, scenarios: many, metrics: METRICS, settings: lax })
    const lost = rows.filter((row) => row.p! < 0.05 && row.p_adjusted! >= 0.05)
    expect(lost.length).toBeGreaterThan(0)
    for (const row of lost) expect(kinds(row)).toContain('not_significant_after_correction')
  })

  it('does not depend on the order of the journal', () => {
    const input = { scenarios, metrics: METRICS, settings: settings('latency_p50_ms') }
    const turned = compareScenarios({ ...input, trials: [...trials].reverse() })
    expect(turned).toEqual(compareScenarios({ ...input, trials }))
    const rounds = groupByScenario([...trials].reverse())
      .get('y')!
      .map((trial) => trial.round)
    expect(rounds).toEqual([0, 1, 2, 3, 4])
  })

  it('names metrics it does not know', () => {
    const { rows, notes } = compareScenarios({
      trials,
      scenarios,
      metrics: METRICS,
      settings: settings('latency_p51_ms'),
    })
    expect(rows).toEqual([])
    expect(notes.map((warning) => formatWarning(warning)).join()).toMatch(
      /No metric is called latency_p51_ms.*latency_p50_ms/,
    )
  })
})
