/** Duet after duet, and trials of one side between them, until every test is decided or the time is up. */
import type {
  DriverSpec,
  DuetReport,
  DuetSide,
  DuetSpec,
  TrialResult,
  TrialSpec,
} from '../../workers/protocol.ts'
import type { Scalar, WorkloadInfo } from '../../workers/workload.ts'
import type { DuetExecutor } from '../execute/executor.ts'
import { fillSlots } from '../execute/schedule.ts'
import type { Planner, Turn } from '../plan/planner.ts'
import { randomStream, shuffle } from '../random.ts'
import type { Session } from '../session/session.ts'
import type { Scenario } from '../sweep/types.ts'
import { verdictOf } from './judge.ts'
import { FAILURES_TO_CLAIM } from './outcomes.ts'
import { type Counts, type Looks, largestSample, looksAt } from './plan.ts'
import { type Family, familyOf, isDecided, lookAt, rowsOf } from './tests.ts'
import type { Evidence, GateResult, GateScenario, Rules, Versions } from './types.ts'

export interface LockStep {
  executor: DuetExecutor
  session: Session
  scenarios: readonly GateScenario[]
  versions: Versions
  rules: Rules
  limitMs: number
  /** A clock that never jumps, ms. */
  now(): number
  signal: AbortSignal
  onProgress?(progress: { done: Counts; planned: Counts; leftMs: number }): void
}

type Comparison = Omit<GateResult, 'baseline' | 'candidate' | 'name'>

type Kind = keyof Counts

/** One side's trial, or a duet of both. */
type Job =
  | { kind: 'trial'; entry: GateScenario; side: DuetSide; round: number }
  | { kind: 'duet'; entry: GateScenario; first: DuetSide; round: number }

/** @throws where the executor is broken, and the reason of `signal` once that is aborted */
export async function compareInLockStep(options: LockStep): Promise<Comparison> {
  const { executor, session, versions, signal } = options
  const gate = new SequentialGate(options)
  await fillSlots<Job, TrialResult | DuetReport>({
    planner: gate,
    // Whatever else ran would disturb what is compared.
    slots: 1,
    run: (job) =>
      job.kind === 'duet'
        ? executor.duet(duetSpecOf(session, job.entry, versions, job.round, job.first))
        : executor.run(trialSpecOf(session, job.entry, job.side, job.round, versions)),
    onEnd: () => {},
    close: () => executor.close(),
    signal,
  })
  signal.throwIfAborted()
  return gate.comparison()
}

/** Group-sequential: looks at the evidence at counts fixed beforehand, and ends when every test is decided. */
class SequentialGate implements Planner<Job, TrialResult | DuetReport> {
  private readonly options: LockStep
  private readonly evidence: Map<GateScenario, Evidence>
  private readonly random: () => number
  private readonly order: Map<GateScenario, Record<Kind, SideOrder>>
  private readonly spent: Record<Kind, { ms: number; count: number }> = {
    duets: { ms: 0, count: 0 },
    pairs: { ms: 0, count: 0 },
  }
  private readonly began: number
  private readonly jobs: Generator<Job, void, void>
  private latest: TrialResult | DuetReport | null = null
  private end: Comparison | null = null

  constructor(options: LockStep) {
    this.options = options
    this.random = randomStream(options.session.sweep.random_seed)
    this.evidence = new Map(options.scenarios.map((entry) => [entry, { duets: [], pairs: [] }]))
    this.order = new Map(
      options.scenarios.map((entry) => [
        entry,
        { duets: new SideOrder(this.random), pairs: new SideOrder(this.random) },
      ]),
    )
    this.began = options.now()
    this.jobs = this.plan()
  }

  next(): Turn<Job> | null {
    const { done, value } = this.jobs.next()
    if (done) return null
    return { do: 'run', job: value }
  }

  ended(_job: Job, result: TrialResult | DuetReport): void {
    this.latest = result
  }

  comparison(): Comparison {
    return this.end!
  }

  /** Gives out one job at a time; when it goes on, the job's result is `latest`. */
  private *plan(): Generator<Job, void, void> {
    for (const entry of this.shuffled()) yield* this.firstRound(entry)
    const family = familyOf(this.evidence, this.options.rules)
    const claimAlpha = this.options.rules.settings.alpha / family.size
    if (this.verdict(family, claimAlpha) === 'regression') {
      this.end = this.result(family, claimAlpha, 'decided')
      return
    }
    const roundMs = { duetsMs: this.roundMs('duets'), pairsMs: this.roundMs('pairs') }
    const planned = largestSample(this.leftMs(), roundMs)
    const looks = {
      duets: looksAt(planned.duets, 'duets', claimAlpha),
      pairs: looksAt(planned.pairs, 'pairs', claimAlpha),
    }
    const ended = yield* this.measure(family, claimAlpha, planned, looks)
    if (ended === 'time_limit') this.lookLast(family, looks)
    this.end = this.result(family, claimAlpha, ended)
  }

  /** What must be known first: whether both versions run, what they score, and what a duet takes. */
  private *firstRound(entry: GateScenario): Generator<Job, void, void> {
    yield* this.pair(entry)
    const { pairs } = this.evidence.get(entry)!
    for (let failures = 1; failures < FAILURES_TO_CLAIM; failures++) {
      const last = pairs.at(-1)!
      if (last.baseline.outcome === 'ok' && last.candidate.outcome !== 'ok') yield* this.pair(entry)
    }
    if (runs(this.evidence.get(entry)!)) yield* this.duet(entry)
  }

  private *measure(
    family: Family,
    claimAlpha: number,
    planned: Counts,
    looks: Record<Kind, Looks>,
  ): Generator<Job, GateResult['ended'], void> {
    const done: Counts = { duets: 1, pairs: 1 }
    while (done.duets < planned.duets || done.pairs < planned.pairs) {
      // Trials are spread over the duets, so that both see the same times of day.
      const kind = done.pairs * planned.duets < done.duets * planned.pairs ? 'pairs' : 'duets'
      for (const entry of this.shuffled()) {
        if (!this.needs(family, entry, kind)) continue
        if (this.leftMs() < this.meanMs(kind)) return 'time_limit'
        yield* kind === 'duets' ? this.duet(entry) : this.pair(entry)
        this.options.onProgress?.({ done, planned, leftMs: this.leftMs() })
      }
      done[kind]++
      const look = looks[kind].counts.indexOf(done[kind])
      if (look === -1) continue
      for (const test of family.tests) if (test.kind === kind) lookAt(test, look, looks[kind])
      const verdict = this.verdict(family, claimAlpha)
      if (verdict === 'regression' || family.tests.every(isDecided)) return 'decided'
    }
    return 'all_measured'
  }

  private lookLast(family: Family, looks: Record<Kind, Looks>): void {
    for (const test of family.tests) lookAt(test, looks[test.kind].counts.length - 1, looks[test.kind])
  }

  private needs(family: Family, entry: GateScenario, kind: Kind): boolean {
    return family.tests.some((test) => test.entry === entry && test.kind === kind && !isDecided(test))
  }

  private *pair(entry: GateScenario): Generator<Job, void, void> {
    const { pairs } = this.evidence.get(entry)!
    const first = this.order.get(entry)!.pairs.next()
    const round = pairs.length + 1
    const before = this.options.now()
    yield { kind: 'trial', entry, side: first, round }
    const one = this.latest as TrialResult
    yield { kind: 'trial', entry, side: first === 'baseline' ? 'candidate' : 'baseline', round }
    const other = this.latest as TrialResult
    pairs.push(
      first === 'baseline' ? { baseline: one, candidate: other } : { baseline: other, candidate: one },
    )
    this.spend('pairs', before)
  }

  private *duet(entry: GateScenario): Generator<Job, void, void> {
    const { duets } = this.evidence.get(entry)!
    const first = this.order.get(entry)!.duets.next()
    const before = this.options.now()
    yield { kind: 'duet', entry, first, round: duets.length + 1 }
    duets.push(this.latest as DuetReport)
    this.spend('duets', before)
  }

  private spend(kind: Kind, before: number): void {
    this.spent[kind].ms += this.options.now() - before
    this.spent[kind].count++
  }

  private leftMs(): number {
    return this.options.limitMs - (this.options.now() - this.began)
  }

  private meanMs(kind: Kind): number {
    const { ms, count } = this.spent[kind]
    return count === 0 ? 0 : ms / count
  }

  private roundMs(kind: Kind): number {
    return this.meanMs(kind) * this.options.scenarios.length
  }

  private shuffled(): GateScenario[] {
    return shuffle([...this.options.scenarios], this.random)
  }

  private rows(family: Family, claimAlpha: number): Pick<GateResult, 'rows' | 'notes'> {
    const seconds = { duets: this.roundMs('duets') / 1000, pairs: this.roundMs('pairs') / 1000 }
    const parts = [...this.evidence].map(([entry, evidence]) =>
      rowsOf(entry, evidence, family.tests, this.options.rules, { claimAlpha, seconds }),
    )
    return { rows: parts.flatMap(({ rows }) => rows), notes: parts.flatMap(({ notes }) => notes) }
  }

  private verdict(family: Family, claimAlpha: number): GateResult['verdict'] {
    return verdictOf(this.rows(family, claimAlpha).rows)
  }

  private result(family: Family, claimAlpha: number, ended: GateResult['ended']): Comparison {
    const { rows, notes } = this.rows(family, claimAlpha)
    const all = [...this.evidence.values()].flatMap(({ duets }) => duets)
    if (all.some(({ core, failure }) => core === null && failure === null)) {
      notes.push(
        'the duets could not be held to one core (no taskset): their times vary more than they need to',
      )
    }
    return {
      verdict: verdictOf(rows),
      rows,
      notes,
      alpha: this.options.rules.settings.alpha,
      tests: family.size,
      duets: all.length,
      trials: 2 * this.spent.pairs.count,
      elapsed_s: (this.options.now() - this.began) / 1000,
      ended,
    }
  }
}

function runs({ pairs }: Evidence): boolean {
  const last = pairs.at(-1)
  return last !== undefined && last.baseline.outcome === 'ok' && last.candidate.outcome === 'ok'
}

/** Which side goes first: drawn at random, and each equally often in every two. */
export class SideOrder {
  private readonly random: () => number
  private pending: DuetSide | null = null

  constructor(random: () => number) {
    this.random = random
  }

  next(): DuetSide {
    const first = this.pending ?? (this.random() < 0.5 ? 'baseline' : 'candidate')
    this.pending = this.pending === null ? (first === 'baseline' ? 'candidate' : 'baseline') : null
    return first
  }
}

// ---------------------------------------------------------------- what the executor is asked for

/** Long enough for the compiler to be done with most code, short enough for some two dozen duets a minute. */
const DUET: DriverSpec = { kind: 'interleaved', target_ms: 1500 }

/**
 * The scenario's parameters as the version knows them: what it does not know is left out, what is not given is its default.
 */
export function paramsFor(scenario: Scenario, info: WorkloadInfo): Record<string, Scalar> {
  if (info.params === null) return scenario.params
  const known = Object.entries(info.params)
  return Object.fromEntries(
    known.map(([name, param]) => [
      name,
      Object.hasOwn(scenario.params, name) ? scenario.params[name]! : param.default,
    ]),
  )
}

export function trialSpecOf(
  session: Session,
  { scenario, params }: GateScenario,
  side: DuetSide,
  round: number,
  versions: Versions,
): TrialSpec {
  return session.spec(scenario, { round, side, workload: versions[side].ref, params: params[side] })
}

export function duetSpecOf(
  session: Session,
  { scenario, params }: GateScenario,
  versions: Versions,
  round: number,
  first: DuetSide,
): DuetSpec {
  const side = (name: DuetSide) =>
    session.spec(scenario, {
      round,
      side: name,
      workload: versions[name].ref,
      params: params[name],
      driver: DUET,
    })
  return {
    duet: `${scenario.id}-d${round}`,
    sides: { baseline: side('baseline'), candidate: side('candidate') },
    first,
  }
}
