import { describe, expect, it } from 'vitest'
import {
  ALPHA,
  type Beginning,
  confirm,
  decidedDistance,
  FEWEST_TRIALS,
  type LineSearch,
  levelOf,
  looksOf,
  nextValue,
  PARTS_OF_FEW_TRIALS,
  PARTS_OF_MEANS,
  PARTS_OF_TRIALS,
  POWER,
  place,
  type SearchInput,
  SHARE_OF_FAILS,
  SHARE_OF_MEETS,
  searchState,
  type Verdict,
  valuesToCheck,
} from '../../../harness/analyse/search.ts'
import { Search } from '../../../harness/plan/search.ts'
import { orderStream, shuffle } from '../../../harness/random.ts'
import type { Constraint, PlannedTrial } from '../../../harness/sweep/types.ts'
import type { TrialResult } from '../../../workers/protocol/trial-result.ts'
import { ended } from '../../fixtures/trials.ts'
import { normals } from './make-noise.ts'
import { METRICS, makeTrial } from './make-trials.ts'

// ---------------------------------------------------------------- which value comes next

const FULL = process.env['STINT_FULL'] === '1'

const NOWHERE: Beginning = { start: null, hint: null }

/** Plays a search over values of which those from `edge` on meet the goal. */
function played(size: number, edge: number, begin = NOWHERE) {
  const verdicts = new Map<number, Verdict>()
  for (let next = nextValue(verdicts, size, begin); next !== null; next = nextValue(verdicts, size, begin)) {
    expect(verdicts.has(next)).toBe(false)
    verdicts.set(next, next >= edge ? 'meets' : 'fails')
  }
  const of = (verdict: Verdict) => [...verdicts].filter(([, one]) => one === verdict).map(([index]) => index)
  return { verdicts, meets: Math.min(...of('meets')), fails: Math.max(...of('fails')) }
}

describe('the values that a search tries', () => {
  it('finds the edge wherever it lies, from either end and from a neighbour, in few values', () => {
    for (let edge = 0; edge <= 72; edge++) {
      for (const begin of [null, 0, 35, 71].flatMap((index) => [
        { start: index, hint: null },
        { start: null, hint: index === 71 ? null : index },
      ])) {
        const { verdicts, meets, fails } = played(72, edge, begin)
        if (edge < 72) expect(meets).toBe(edge)
        if (edge > 0) expect(fails).toBe(edge - 1)
        expect(verdicts.size).toBeLessThanOrEqual(16)
      }
    }
  })

  it('needs few where the easiest value tells about where the answer lies', () => {
    for (let edge = 1; edge < 71; edge++)
      for (const off of [-2, -1, 0, 1, 2]) {
        const hint = Math.min(70, Math.max(0, edge + off))
        expect(played(72, edge, { start: null, hint }).verdicts.size).toBeLessThanOrEqual(6)
      }
  })

  it('steps away from a value whose test said otherwise than its first trial, further each time', () => {
    const verdicts = new Map<number, Verdict>([
      [71, 'meets'],
      [20, 'fails'],
      [0, 'fails'],
    ])
    expect(nextValue(verdicts, 72, NOWHERE, new Set([20]))).toBe(22)
    verdicts.set(22, 'fails')
    expect(nextValue(verdicts, 72, NOWHERE, new Set([20, 22]))).toBe(26)
    verdicts.set(26, 'meets')
    expect(nextValue(verdicts, 72, NOWHERE, new Set([20, 22]))).toBeNull()
  })

  it('looks once at either side of the answer, to see that the axis is monotone', () => {
    const { verdicts } = played(72, 36)
    const checks = valuesToCheck(verdicts, 72, NOWHERE)
    expect(checks.map(({ expected }) => expected)).toEqual(['meets', 'fails'])
    expect(checks[0]!.index).toBeGreaterThan(36)
    expect(checks[1]!.index).toBeLessThan(36)
    for (const { index } of checks) expect(verdicts.has(index)).toBe(false)
    // Nothing meets: only the easiest value was tried.
    expect(valuesToCheck(played(72, 72).verdicts, 72, NOWHERE)).toEqual([])
    // With a hint the hardest values are not tried on the way.
    const hinted = { start: null, hint: 35 }
    const further = valuesToCheck(played(72, 36, hinted).verdicts, 72, hinted)
    expect(further.map(({ index, expected }) => [index < 30, expected])).toEqual([
      [false, 'meets'],
      [true, 'fails'],
    ])
  })
})

// ---------------------------------------------------------------- the test of one value

const R2: Constraint = { metric: 'r2', operator: '>=', bound: 0.5 }
const P99: Constraint = { metric: 'latency_p99_ms', operator: '<=', bound: 20 }
const judging = (bounds: Constraint[], most = 20) => ({
  goal: { objective: null, subject_to: bounds },
  metrics: METRICS,
  most,
})
const good = (round: number, metrics: Record<string, number | null> = { r2: 0.7 }, scenario = 'a') =>
  makeTrial(scenario, round, { metrics })
const series = (outcomes: string): TrialResult[] =>
  [...outcomes].map((mark, i) => {
    const trial = good(i + 1)
    if (mark === 'x') return ended(trial, 'crashed')
    return mark === 'm' ? ended(trial, 'out_of_memory') : trial
  })

describe('where a value stands by its first trials', () => {
  it('takes one trial, and a second one where the first may have been a stray', () => {
    expect(place(judging([R2]), [])).toEqual({ verdict: null, rounds: 1 })
    expect(place(judging([R2]), series('.'))).toEqual({ verdict: 'meets', rounds: 1 })
    expect(place(judging([R2]), series('m'))).toEqual({ verdict: 'fails', rounds: 1 })
    expect(place(judging([R2]), series('x'))).toEqual({ verdict: null, rounds: 2 })
    expect(place(judging([R2]), series('x.'))).toEqual({ verdict: 'meets', rounds: 2 })
    expect(place(judging([R2]), series('xx'))).toEqual({ verdict: 'fails', rounds: 2 })
    expect(place(judging([R2]), [good(1, { r2: 0.4 })])).toEqual({ verdict: 'fails', rounds: 1 })
  })

  it('cannot tell where no trial measures the goal', () => {
    const unknown = [good(1, { r2: null }), good(2, { r2: null })]
    expect(place(judging([R2]), unknown)).toEqual({ verdict: 'undecided', rounds: 2 })
  })
})

describe('the test of one value', () => {
  const level = levelOf(1, PARTS_OF_TRIALS.meets)
  /** Of a value that its first trial placed. */
  const tested = (bounds: Constraint[], trials: TrialResult[], { at = level, most = 20 } = {}) =>
    confirm(judging(bounds, most), trials, at, 1)

  it('does not count the trial that placed the value', () => {
    expect(tested([R2], series('......')).verdict).toBe('meets')
    expect(tested([R2], series('x.....')).verdict).toBe('meets')
    expect(tested([R2], series('.....')).verdict).toBeNull()
    expect(tested([R2], series('.xx')).verdict).toBe('fails')
    expect(confirm(judging([R2]), series('x......'), level, 2).verdict).toBe('meets')
    expect(confirm(judging([R2]), series('x.....'), level, 2)).toEqual({ verdict: null, rounds: 7 })
  })

  it('does not let one crash decide, and takes more good trials after it', () => {
    expect(tested([R2], series('mx')).verdict).toBeNull()
    expect(tested([R2], series('.x.....')).verdict).toBeNull()
    expect(tested([R2], series(`.x${'.'.repeat(10)}`)).verdict).toBe('meets')
    expect(tested([R2], series('mmm')).verdict).toBe('fails')
  })

  it('shows with two bad trials that a value fails, in the second test as in the first', () => {
    for (const { fails } of [PARTS_OF_TRIALS, PARTS_OF_FEW_TRIALS, PARTS_OF_MEANS])
      for (const nth of [1, 2])
        expect(tested([R2], series('mmm'), { at: levelOf(nth, fails) }).verdict).toBe('fails')
  })

  it('wants enough trials to be able to tell, and says so where they do not', () => {
    expect(tested([R2], series('.'))).toEqual({ verdict: null, rounds: 6 })
    expect(tested([R2], series('......'), { most: FEWEST_TRIALS }).verdict).toBe('meets')
    // After a bad one, six are too few to show that it meets the goal.
    expect(tested([R2], series('.x'), { most: 8 })).toEqual({ verdict: null, rounds: 3 })
    expect(tested([R2], series('.x.'), { most: 8 })).toEqual({ verdict: 'undecided', rounds: 3 })
    expect(tested([R2], series('.xx'), { most: 8 })).toEqual({ verdict: 'fails', rounds: 3 })
    const near = Array.from({ length: 20 }, (_, i) => good(i + 1, { latency_p99_ms: 20 + (i % 2 ? 1 : -1) }))
    expect(tested([P99], near)).toEqual({ verdict: 'undecided', rounds: 20 })
  })

  it('holds a mean against its bound only at its looks', () => {
    const beyond = [10, 30, 31, 32].map((p99, i) => good(i + 1, { latency_p99_ms: p99 }))
    expect(looksOf(19)).toEqual([3, 6, 9, 13, 19])
    expect(tested([P99], beyond.slice(0, 3)).verdict).toBeNull()
    expect(tested([P99], beyond)).toEqual({ verdict: 'fails', rounds: 4 })
  })

  it('says the same in whatever order the trials ended, and however many more there are', () => {
    const trials = series('.x.............')
    const said = tested([R2], trials)
    expect(tested([R2], shuffle(trials, orderStream(1)))).toEqual(said)
    const more = [...trials, ended(good(16), 'crashed'), ended(good(17), 'crashed')]
    expect(tested([R2], more)).toEqual(said)
  })

  it('can show in each of the first three tests that a value meets its goal, with as few trials as it may have', () => {
    const goods = (parts: typeof PARTS_OF_TRIALS) =>
      [1, 2, 3].map((nth) => {
        const { verdict, rounds } = tested([R2], series('.'.repeat(20)), { at: levelOf(nth, parts.meets) })
        expect(verdict).toBe('meets')
        return rounds - 1
      })
    expect(goods(PARTS_OF_TRIALS)).toEqual([5, 8, 8])
    expect(goods(PARTS_OF_FEW_TRIALS)).toEqual([6, 6, 7])
  })

  it('spends no more than alpha, however many tests there are', () => {
    for (const { meets, fails } of [PARTS_OF_TRIALS, PARTS_OF_FEW_TRIALS, PARTS_OF_MEANS]) {
      let spent = 0
      for (const spending of new Set([meets, fails]))
        for (let nth = 1; nth <= 10_000; nth++) spent += levelOf(nth, spending)
      expect(spent).toBeLessThanOrEqual(ALPHA)
      expect(spent).toBeGreaterThan(0.999 * ALPHA)
    }
  })

  it('errs, either way, no more often than its level says, and decides as often as it promises', () => {
    const runs = FULL ? 600 : 400
    const draw = normals(7)
    const shares = (mean: number, at: number) => {
      const count = { meets: 0, fails: 0, undecided: 0 }
      for (let run = 0; run < runs; run++) {
        const trials = Array.from({ length: 20 }, (_, i) =>
          good(i + 1, { latency_p99_ms: Math.exp(mean + 0.1 * draw()) }),
        )
        count[tested([P99], trials, { at }).verdict!]++
      }
      return { meets: count.meets / runs, fails: count.fails / runs }
    }
    const most = 0.05 + 2 * Math.sqrt((0.05 * 0.95) / runs)
    const at = shares(Math.log(20), 0.05)
    expect(at.meets).toBeLessThanOrEqual(most)
    expect(at.fails).toBeLessThanOrEqual(most)
    // At the distance that is promised for a stricter test.
    const distance = 0.1 * decidedDistance(20)
    expect(shares(Math.log(20) - distance, 0.05).meets).toBeGreaterThanOrEqual(POWER)
    expect(shares(Math.log(20) + distance, 0.05).fails).toBeGreaterThanOrEqual(POWER)
    const least = POWER - 2 * Math.sqrt((POWER * (1 - POWER)) / runs)
    for (const nth of [1, 2]) {
      const level = levelOf(nth, PARTS_OF_MEANS.meets)
      expect(shares(Math.log(20) - distance, level).meets).toBeGreaterThanOrEqual(least)
      expect(shares(Math.log(20) + distance, level).fails).toBeGreaterThanOrEqual(least)
    }
  })
})

// ---------------------------------------------------------------- whole searches

const VALUES = Array.from({ length: 40 }, (_, i) => i + 1)
const input = (bounds: Constraint[], lines: (number | null)[] = [null]): SearchInput => ({
  goal: { objective: null, subject_to: bounds },
  metrics: METRICS,
  search: {
    ...{ axis: 'max_memory_mb', best: 'min', over: lines[0] === null ? null : 'rate' },
    ...{ values: VALUES, lines, resolution: 0.05, trials: 20 },
  },
  scenarios: lines.flatMap((line) =>
    VALUES.map((value) => ({ id: `${line}-${value}`, point: { max_memory_mb: value, rate: line } })),
  ),
})

/** Every trial that a search may ask for. */
function trialsOf(
  outcome: (value: number, round: number, line: number | null) => TrialResult,
  lines: (number | null)[] = [null],
) {
  return lines.flatMap((line) =>
    VALUES.flatMap((value) => Array.from({ length: 20 }, (_, i) => outcome(value, i + 1, line))),
  )
}

/** Runs a search as the planner does, a trial at a time, or several of which any may end first. */
function run(
  searched: SearchInput,
  all: readonly TrialResult[],
  { slots = 1, random = orderStream(1) } = {},
): { lines: LineSearch[]; ran: TrialResult[] } {
  const byId = new Map(all.map((trial) => [trial.trial, trial]))
  const planner = new Search(searched, [])
  const running: PlannedTrial[] = []
  for (;;) {
    const turn = running.length < slots ? planner.next() : null
    if (turn?.do === 'run') {
      expect(running.map(({ trial }) => trial)).not.toContain(turn.job.trial)
      running.push(turn.job)
      continue
    }
    // One that waits for nothing would wait for ever.
    if (turn?.do === 'wait') expect(running.length).toBeGreaterThan(0)
    const [job] = running.splice(Math.floor(random() * running.length), 1)
    if (job === undefined) break
    planner.ended(job, byId.get(job.trial)!)
  }
  return { lines: searchState(searched, planner.endedTrials).lines, ran: [...planner.endedTrials] }
}

describe('a search', () => {
  const memory = (edge: number) => (value: number, round: number) => {
    const trial = good(round, { r2: 0.7 }, `null-${value}`)
    return value < edge ? ended(trial, 'out_of_memory') : trial
  }

  it('confirms both sides of the answer with few trials, and asks for no other', () => {
    const searched = input([R2])
    for (const edge of [2, 17, 40]) {
      const all = trialsOf(memory(edge))
      const { lines, ran } = run(searched, all)
      expect(lines).toMatchObject([
        { meets: edge, fails: edge - 1, undecided: [], violations: [], isOver: true },
      ])
      expect(lines[0]!.confidence).toBeCloseTo(1 - ALPHA * 0.733, 12)
      expect(ran.length).toBeLessThanOrEqual(18)
      // The same with trials that it never asked for, and after a stop at any trial.
      expect(searchState(searched, all).lines[0]).toMatchObject({
        meets: edge,
        fails: edge - 1,
        confidence: lines[0]!.confidence,
      })
      for (let stopped = 0; stopped < ran.length; stopped++) {
        const planner = new Search(searched, ran.slice(0, stopped))
        expect(planner.isOver).toBe(false)
        expect(planner.next()).toMatchObject({ do: 'run', job: { trial: ran[stopped]!.trial } })
      }
    }
  })

  it('says so where nothing in the range meets the goal, or everything does', () => {
    const none = run(input([R2]), trialsOf(memory(41)))
    expect(none.lines).toMatchObject([{ meets: null, fails: 40, isOver: true }])
    // One that places the easiest value, and two that show it to fail.
    expect(none.ran.length).toBe(3)
    const every = run(input([R2]), trialsOf(memory(1)))
    expect(every.lines).toMatchObject([{ meets: 1, fails: null, isOver: true }])
  })

  it('holds every trial by itself to a bound at the end of its metric, and finds a value beside the limit', () => {
    const sustained: Constraint = { metric: 'sustained', operator: '>=', bound: 1 }
    const random = orderStream(31)
    for (const most of [FEWEST_TRIALS, 12]) {
      const runs = FULL ? 400 : 40
      let found = 0
      let trials = 0
      for (let i = 0; i < runs; i++) {
        const all = trialsOf((value, round) => {
          const holds = random() < 1 / (1 + Math.exp(1.5 * (17.3 - value)))
          return good(round, { sustained: holds ? 1 : 0 }, `null-${value}`)
        })
        const searched = input([sustained])
        const [line] = searchState({ ...searched, search: { ...searched.search, trials: most } }, all).lines
        if (line!.meets !== null) found++
        trials += new Set(line!.steps.map(({ value }) => value)).size
        for (const { confirmed, verdict, trials: rounds } of line!.steps)
          if (confirmed && verdict === 'meets') expect(rounds).toBeGreaterThanOrEqual(6)
      }
      expect(found / runs).toBeGreaterThan(0.9)
      expect(trials / runs).toBeLessThan(14)
    }
  })

  it('is not misled by a stray crash, wherever it falls', () => {
    const all = trialsOf(memory(17))
    const { ran } = run(input([R2]), all)
    for (const stray of ran.filter(({ outcome }) => outcome === 'ok')) {
      const crashed = all.map((trial) => (trial.trial === stray.trial ? ended(trial, 'crashed') : trial))
      expect(run(input([R2]), crashed).lines).toMatchObject([{ meets: 17, fails: 16, violations: [] }])
    }
  })

  it('comes to the same in several slots, with hardly more trials', () => {
    const searched = input([R2])
    const random = orderStream(4)
    for (const edge of [1, 2, 9, 17, 40]) {
      const all = trialsOf(memory(edge))
      const one = run(searched, all)
      for (let slots = 2; slots <= 5; slots++) {
        const several = run(searched, all, { slots, random })
        const [a, b] = [one, several].map(({ lines }) =>
          lines.map(({ steps, tried: _, trials: __, ...line }) => ({ ...line, steps })),
        )
        expect(b).toEqual(a)
        const extra = several.ran.filter(({ trial }) => !one.ran.some((other) => other.trial === trial))
        expect(
          extra.map(({ trial }) => trial),
          `${edge} in ${slots}`,
        ).toHaveLength(0)
      }
    }
  })

  it('reports an axis that is not monotone, and says nothing of how sure it is', () => {
    const all = trialsOf((value, round) => {
      const trial = good(round, { r2: 0.7 }, `null-${value}`)
      return value < 5 || (value > 12 && value < 35) ? ended(trial, 'out_of_memory') : trial
    })
    const [line] = run(input([R2]), all).lines
    expect(line!.violations.length).toBeGreaterThan(0)
    expect(line!.confidence).toBeNull()
    expect(line!.isOver).toBe(true)
  })

  it('says which values could not be decided, and confirms one near them on either side', () => {
    // Between 15 and 19 the mean lies at the bound.
    const all = trialsOf((value, round) => {
      const mean = value < 15 ? 30 : value > 19 ? 10 : 20
      return good(round, { latency_p99_ms: mean + (round % 2 ? 0.5 : -0.5) }, `null-${value}`)
    })
    const [line] = run(input([P99]), all).lines
    expect([20, 21, 22]).toContain(line!.meets)
    expect([12, 13, 14]).toContain(line!.fails)
    expect(line!.violations).toEqual([])
    expect(line!.undecided.length).toBeGreaterThan(0)
    expect(line!.undecided.every((value) => value >= 15 && value <= 19)).toBe(true)
  })

  it('starts each further line where the last one ended', () => {
    const lines = [100, 200, 300]
    const edges = new Map([
      [100, 10],
      [200, 13],
      [300, 15],
    ])
    const all = trialsOf((value, round, line) => {
      const trial = good(round, { r2: 0.7 }, `${line}-${value}`)
      return value < edges.get(line!)! ? ended(trial, 'out_of_memory') : trial
    }, lines)
    const found = run(input([R2], lines), all)
    expect(found.lines.map(({ at, meets, fails }) => [at, meets, fails])).toEqual([
      [100, 10, 9],
      [200, 13, 12],
      [300, 15, 14],
    ])
    expect(found.lines[1]!.steps[0]!.value).toBe(10)
  })

  const SLOPES: [string, number][] = [
    ['gentle', 0.01],
    ['steeper', 0.05],
    ['steep', 0.4],
  ]
  it.each(SLOPES.slice(0, FULL ? 3 : 1))(
    'is wrong on a side no more often than it says, on a %s curve near the limit',
    (_, slope) => {
      const runs = FULL ? 2000 : 60
      const draw = normals(11)
      let wrong = 0
      let trials = 0
      for (let i = 0; i < runs; i++) {
        // The limit lies at 17.3, and a trial's log latency has a standard deviation of 0.1.
        const all = trialsOf((value, round) =>
          good(
            round,
            { latency_p99_ms: 20 * Math.exp(slope * (17.3 - value) + 0.1 * draw()) },
            `null-${value}`,
          ),
        )
        const [line] = searchState(input([P99]), all).lines
        const { meets, fails, violations } = line!
        if ((meets !== null && meets < 17.3) || (fails !== null && fails > 17.3) || violations.length > 0)
          wrong++
        trials += line!.steps.reduce((sum, step) => sum + (step.confirmed ? step.trials : 0), 0)
      }
      expect(wrong / runs).toBeLessThanOrEqual(ALPHA + 2 * Math.sqrt((ALPHA * (1 - ALPHA)) / runs))
      expect(trials / runs).toBeLessThan(140)
    },
  )

  const SHARES: [string, (value: number) => number][] = [
    ['a gentle curve', (value: number) => 1 / (1 + Math.exp(0.2 * (17.3 - value)))],
    ['a steeper curve', (value: number) => 1 / (1 + Math.exp(0.8 * (17.3 - value)))],
    ['a steep curve', (value: number) => 1 / (1 + Math.exp(4 * (17.3 - value)))],
    ['a shelf at the worst share', (value: number) => (value <= 25 ? SHARE_OF_FAILS : 1)],
    ['a shelf at the worst share that meets', (value: number) => (value >= 12 ? SHARE_OF_MEETS : 0)],
  ]
  it.each(SHARES.filter(([curve]) => FULL || !/steep/.test(curve)))(
    'is wrong no more often than it says where trials end by chance, on %s',
    (_, shareOf) => {
      const runs = FULL ? 2000 : 100
      const random = orderStream(23)
      let wrong = 0
      let trials = 0
      for (let i = 0; i < runs; i++) {
        const all = trialsOf((value, round) => {
          const trial = good(round, { r2: 0.7 }, `null-${value}`)
          return random() < shareOf(value) ? trial : ended(trial, 'crashed')
        })
        const [line] = searchState(input([R2]), all).lines
        if (
          line!.steps.some(({ value, verdict, confirmed }) => confirmed && isWrong(verdict, shareOf(value)))
        )
          wrong++
        trials += line!.steps.reduce((sum, step) => sum + (step.confirmed ? step.trials : 0), 0)
      }
      expect(wrong / runs).toBeLessThanOrEqual(ALPHA + 2 * Math.sqrt((ALPHA * (1 - ALPHA)) / runs))
      expect(trials / runs).toBeLessThan(80)
    },
  )
})

function isWrong(verdict: Verdict, share: number): boolean {
  return (verdict === 'meets' && share <= SHARE_OF_FAILS) || (verdict === 'fails' && share >= SHARE_OF_MEETS)
}
