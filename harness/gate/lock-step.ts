/** Duet after duet, and trials of one side between them, until every test is decided or the time is up. */
import { DUET_DEADLINES, type DuetReport, type DuetSide, type DuetSpec } from '../../workers/protocol/duet.ts'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import type { DriverSpec, TrialSpec } from '../../workers/protocol/trial-spec.ts'
import type { Scalar, WorkloadInfo } from '../../workers/workload.ts'
import type { DuetExecutor } from '../execute/executor.ts'
import { fillSlots } from '../execute/schedule.ts'
import type { Planner, Turn } from '../plan/planner.ts'
import { randomStream, shuffle } from '../random.ts'
import type { Session } from '../session/session.ts'
import type { Scenario } from '../sweep/types.ts'
import { UserError } from '../user-error.ts'
import { verdictOf } from './judge.ts'
import { CUT, differsInWork, ENDLESS, FAILURES_TO_CLAIM, outcomeRow } from './outcomes.ts'
import { type Counts, LOGGED_ROUND, type Looks, largestSample, looksAt } from './plan.ts'
import {
  coverageOf,
  type Family,
  familyOf,
  type GateTest,
  isDecided,
  lookAt,
  playsInTurns,
  profileOf,
  rowsOf,
  untestedBy,
  wantsTrials,
  worstLook,
} from './tests.ts'
import type { Evidence, GateResult, GateScenario, Rules, TrialPair, Versions } from './types.ts'

export interface LockStep {
  executor: DuetExecutor
  session: Session
  scenarios: readonly GateScenario[]
  versions: Versions
  rules: Rules
  limitMs: number
  /** Trials of either version that follow the measuring, and that time is kept for. */
  keptPairs?: number
  /** Whether the first trial of each version keeps a chunk log, where the executor has a folder for them. */
  logsChunks?: boolean
  /** For the duets of scenarios that name none; null for any. */
  core?: number | null
  /** A clock that never jumps, ms. */
  now(): number
  signal: AbortSignal
  /** Before every trial and duet. */
  onProgress?(progress: GateStep): void
}

export interface GateStep {
  /** What starts now, such as `duet 3 of batch_size=64`. */
  now: string
  /** Over all scenarios; null until the first round has shown what the time allows. */
  done: Counts
  planned: Counts | null
  leftMs: number
}

type Comparison = Omit<GateResult, 'baseline' | 'candidate' | 'name' | 'functions' | 'operators'>

type Kind = keyof Counts

/** One side's trial, or a duet of both. */
type Job =
  | { kind: 'trial'; entry: GateScenario; side: DuetSide; round: number; deadlineS: number }
  | { kind: 'duet'; entry: GateScenario; first: DuetSide; round: number; mostMs: number; deadlineS: number }

/**
 * Every measurement of a gate must be of the same code and data.
 * @throws {UserError} naming what changed since it was read
 */
export async function refuseChanged(session: Session): Promise<void> {
  const changed = await session.changedInput()
  if (changed === null) return
  throw new UserError(
    `${changed} changed while the gate measured: what came before and after is not of the same versions`,
    'start it again, and leave the files as they are until it has ended',
  )
}

/** @throws where the executor is broken, and the reason of `signal` once that is aborted */
export async function compareInLockStep(options: LockStep): Promise<Comparison> {
  const { executor, session, versions, signal } = options
  const gate = new SequentialGate(options)
  await fillSlots<Job, TrialResult | DuetReport>({
    planner: gate,
    // Whatever else ran would disturb what is compared.
    slots: 1,
    run: async (job) => {
      const result =
        job.kind === 'duet'
          ? await executor.duet(
              duetSpecOf(session, job.entry, versions, job.round, { ...job, core: options.core ?? null }),
            )
          : await executor.run({
              ...trialSpecOf(session, job.entry, job.side, job.round, versions, job.deadlineS),
              log_chunks: options.logsChunks === true && job.round === LOGGED_ROUND,
            })
      await refuseChanged(session)
      return result
    },
    onEnd: () => {},
    close: () => executor.close(),
    signal,
  })
  signal.throwIfAborted()
  return gate.comparison()
}

/** What one scenario gets. */
interface Share {
  evidence: Evidence
  order: Record<Kind, SideOrder>
  spent: Record<Kind, { ms: number; count: number }>
  /** The longest that a duet may take, ms: the same for all of them, so that all are of the same chunks. */
  mostMs: number
  planned: Counts
  looks: Record<Kind, Looks> | null
}

/** A candidate's trial is ended at ten times the baseline's, but not before, s. */
const SHORTEST_DEADLINE_S = 5
/** Of one more trial or duet, beside what it plays, ms. */
const STARTING_MS = 1000
/** Of what must be ended for the time limit, s. */
const SHORTEST_CUT_S = 0.1

/**
 * Group-sequential: looks at the evidence at counts fixed beforehand for each scenario, and ends when every test is
 * decided. The scenario that looks worst is measured next; each test keeps its own error whichever is measured, since
 * its looks and its share of alpha are its own.
 */
class SequentialGate implements Planner<Job, TrialResult | DuetReport> {
  private readonly options: LockStep
  private readonly shares: Map<GateScenario, Share>
  private readonly random: () => number
  private readonly began: number
  private readonly jobs: Generator<Job, void, void>
  private latest: TrialResult | DuetReport | null = null
  private end: Comparison | null = null

  constructor(options: LockStep) {
    this.options = options
    this.random = randomStream(options.session.sweep.random_seed)
    this.shares = new Map(
      options.scenarios.map((entry) => [
        entry,
        {
          evidence: { duets: [], pairs: [] },
          order: { duets: new SideOrder(this.random), pairs: new SideOrder(this.random) },
          spent: { duets: { ms: 0, count: 0 }, pairs: { ms: 0, count: 0 } },
          mostMs: Math.max(DUET_TARGET_MS, options.limitMs / options.scenarios.length / FEWEST_WHOLE_DUETS),
          planned: { duets: 0, pairs: 0 },
          looks: null,
        },
      ]),
    )
    this.began = options.now()
    this.jobs = this.plan()
  }

  next(): Turn<Job> | null {
    const { done, value } = this.jobs.next()
    if (done) return null
    const { kind, entry, round } = value
    const what =
      kind === 'duet'
        ? `duet ${round}`
        : `${value.side === 'candidate' ? 'candidate' : 'baseline'}, trial ${round}`
    this.options.onProgress?.({
      now: `${what} of ${entry.scenario.label}`,
      ...this.counts(),
      leftMs: Math.max(0, this.leftMs()),
    })
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
    for (const entry of this.shuffled()) {
      if (this.leftMs() <= 0) break
      yield* this.firstRound(entry)
    }
    const evidence = new Map([...this.shares].map(([entry, share]) => [entry, share.evidence]))
    const family = familyOf(evidence, this.options.rules)
    const claimAlpha = this.options.rules.settings.alpha / family.size
    if (this.verdict(family, claimAlpha) === 'regression') {
      this.end = this.result(family, claimAlpha, 'decided')
      return
    }
    const left = this.leftMs() / this.shares.size
    for (const [entry, share] of this.shares) {
      const costs = { duetsMs: meanMs(share, 'duets'), pairsMs: meanMs(share, 'pairs') }
      share.planned = largestSample(left, costs, playsInTurns(entry))
      share.looks = {
        duets: looksAt(Math.max(2, share.planned.duets), 'duets', claimAlpha),
        pairs: looksAt(share.planned.pairs, 'pairs', claimAlpha),
      }
    }
    const ended = yield* this.measure(family, claimAlpha)
    if (ended === 'time_limit') this.lookLast(family)
    this.end = this.result(family, claimAlpha, ended)
  }

  /** What must be known first: whether both versions run and do the same work, what they score, and what a duet takes. */
  private *firstRound(entry: GateScenario): Generator<Job, void, void> {
    const { evidence } = this.shares.get(entry)!
    // The baseline first: it says how long the candidate may take.
    yield* this.pair(entry, 'baseline')
    const { pairs } = evidence
    for (let failures = 1; failures < FAILURES_TO_CLAIM; failures++) {
      const last = pairs.at(-1)!
      const trials = { baseline: [last.baseline], candidate: [last.candidate] }
      const { id, label } = entry.scenario
      const undecided = outcomeRow({ scenario: id, label }, trials)?.verdict === 'undecided'
      const doubtful = last.baseline.outcome === 'ok' && (undecided || differsInWork(trials))
      if (doubtful && this.leftMs() > meanMs(this.shares.get(entry)!, 'pairs')) yield* this.pair(entry)
    }
    if (runs(evidence) && playsInTurns(entry) && this.leftMs() > STARTING_MS) yield* this.duet(entry)
  }

  private *measure(family: Family, claimAlpha: number): Generator<Job, GateResult['ended'], void> {
    for (;;) {
      const next = this.worst(family)
      if (next === null) {
        const wants = this.wants(family)
        const decided = family.tests.length > 0 && family.tests.every(isDecided)
        if (!wants && decided) return 'decided'
        return wants || this.leftMs() <= 0 ? 'time_limit' : 'all_measured'
      }
      const { entry, kind } = next
      const share = this.shares.get(entry)!
      yield* kind === 'duets' ? this.duet(entry) : this.pair(entry)
      const looks = share.looks![kind]
      const look = looks.counts.indexOf(share.evidence[kind].length)
      if (look === -1) continue
      for (const test of family.tests)
        if (test.entry === entry && test.kind === kind) lookAt(test, look, looks)
      if (this.verdict(family, claimAlpha) === 'regression') return 'decided'
    }
  }

  /** The scenario that looks worst, of those that need more and whose next measurement fits into the time. */
  private worst(family: Family): { entry: GateScenario; kind: Kind } | null {
    let found: { entry: GateScenario; kind: Kind; look: number } | null = null
    for (const [entry, share] of this.shares) {
      const tests = family.tests.filter((test) => test.entry === entry)
      const wanted = KINDS.filter((kind) => this.needs(tests, share, kind))
      // Trials are spread over the duets, so that both see the same times of day.
      const [kind] = wanted
        .filter((kind) => meanMs(share, kind) <= this.leftMs())
        .sort((x, y) => progressOf(share, x) - progressOf(share, y))
      if (kind === undefined) continue
      const look = worstLook(tests)
      if (found === null || look > found.look) found = { entry, kind, look }
    }
    return found
  }

  private needs(tests: readonly GateTest[], { evidence, planned }: Share, kind: Kind): boolean {
    if (evidence[kind].length >= planned[kind]) return false
    const open = tests.some((test) => test.kind === kind && !isDecided(test))
    return open || (kind === 'pairs' && wantsTrials(tests, evidence))
  }

  private wants(family: Family): boolean {
    return [...this.shares].some(([entry, share]) => {
      const tests = family.tests.filter((test) => test.entry === entry)
      return KINDS.some((kind) => this.needs(tests, share, kind))
    })
  }

  private lookLast(family: Family): void {
    for (const test of family.tests) {
      const looks = this.shares.get(test.entry)!.looks![test.kind]
      lookAt(test, looks.counts.length - 1, looks)
    }
  }

  private *pair(
    entry: GateScenario,
    first = this.shares.get(entry)!.order.pairs.next(),
  ): Generator<Job, void, void> {
    const share = this.shares.get(entry)!
    const { pairs } = share.evidence
    const round = pairs.length + 1
    const before = this.options.now()
    const sides: DuetSide[] = first === 'baseline' ? ['baseline', 'candidate'] : ['candidate', 'baseline']
    const ended = {} as TrialPair
    for (const side of sides) {
      const known = [...pairs, ended].flatMap(({ baseline }) =>
        baseline?.outcome === 'ok' ? [baseline] : [],
      )
      const enough = known.map(({ duration_ms }) => (ENDLESS * duration_ms) / 1000)
      const patience =
        side === 'candidate' && enough.length > 0 ? Math.max(SHORTEST_DEADLINE_S, ...enough) : Infinity
      // It cannot be left to run beyond the limit; what is ended for that is no finding.
      const deadlineS = Math.min(patience, Math.max(this.leftMs() / 1000, SHORTEST_CUT_S))
      yield { kind: 'trial', entry, side, round, deadlineS }
      const result = this.latest as TrialResult
      const cut = deadlineS < Math.min(patience, entry.scenario.settings.timeout_s)
      if (cut && result.outcome === 'timed_out') {
        if (pairs.length > 0) return
        result.error.message = CUT
      }
      ended[side] = result
    }
    pairs.push(ended)
    this.spend(share, 'pairs', before)
  }

  private *duet(entry: GateScenario): Generator<Job, void, void> {
    const share = this.shares.get(entry)!
    const { duets } = share.evidence
    const first = share.order.duets.next()
    const before = this.options.now()
    const deadlineS = Math.max(this.leftMs() / 1000, SHORTEST_CUT_S)
    yield { kind: 'duet', entry, first, round: duets.length + 1, mostMs: share.mostMs, deadlineS }
    const result = this.latest as DuetReport
    // Ended for the limit, which is no finding.
    const cut = deadlineS < DUET_DEADLINES * entry.scenario.settings.timeout_s
    if (cut && result.failure?.outcome === 'timed_out') return
    duets.push(result)
    this.spend(share, 'duets', before)
  }

  private spend({ spent }: Share, kind: Kind, before: number): void {
    spent[kind].ms += this.options.now() - before
    spent[kind].count++
  }

  private leftMs(): number {
    const { limitMs, keptPairs = 0, now } = this.options
    const longest = Math.max(...[...this.shares.values()].map((share) => meanMs(share, 'pairs')))
    return limitMs - keptPairs * longest - (now() - this.began)
  }

  private counts(): { done: Counts; planned: Counts | null } {
    const shares = [...this.shares.values()]
    const sum = (of: (share: Share) => number) => shares.reduce((total, share) => total + of(share), 0)
    return {
      done: {
        duets: sum(({ evidence }) => evidence.duets.length),
        pairs: sum(({ evidence }) => evidence.pairs.length),
      },
      planned: shares.some(({ looks }) => looks === null)
        ? null
        : { duets: sum(({ planned }) => planned.duets), pairs: sum(({ planned }) => planned.pairs) },
    }
  }

  private shuffled(): GateScenario[] {
    return shuffle([...this.options.scenarios], this.random)
  }

  private rows(family: Family, claimAlpha: number): Pick<GateResult, 'rows' | 'notes'> {
    const parts = [...this.shares].map(([entry, share]) => {
      const seconds = { duets: meanMs(share, 'duets') / 1000, pairs: meanMs(share, 'pairs') / 1000 }
      return rowsOf(entry, share.evidence, family.tests, this.options.rules, { claimAlpha, seconds })
    })
    return { rows: parts.flatMap(({ rows }) => rows), notes: parts.flatMap(({ notes }) => notes) }
  }

  private verdict(family: Family, claimAlpha: number): GateResult['verdict'] {
    return verdictOf(this.rows(family, claimAlpha).rows)
  }

  private result(family: Family, claimAlpha: number, ended: GateResult['ended']): Comparison {
    const { rows, notes } = this.rows(family, claimAlpha)
    const shares = [...this.shares]
    const all = shares.flatMap(([, { evidence }]) => evidence.duets)
    if (all.some(({ core, failure }) => core === null && failure === null)) {
      notes.push(
        'the duets could not be held to one core (no taskset): their times vary more than they need to',
      )
    }
    return {
      verdict: verdictOf(rows),
      rows,
      coverage: shares
        .filter(([, { evidence }]) => evidence.duets.length > 0)
        .map(([entry, { evidence }]) => coverageOf(entry, evidence)),
      profiles: shares.flatMap(([entry, { evidence }]) => profileOf(entry, evidence) ?? []),
      untested: untestedBy(family, this.options.rules),
      notes,
      alpha: this.options.rules.settings.alpha,
      tests: family.size,
      duets: all.length,
      cores: [...new Set(all.flatMap(({ core }) => core ?? []))].sort((a, b) => a - b),
      trials: shares.reduce((total, [, { evidence }]) => total + 2 * evidence.pairs.length, 0),
      elapsed_s: (this.options.now() - this.began) / 1000,
      ended,
    }
  }
}

const KINDS: readonly Kind[] = ['duets', 'pairs']

/** So many duets of whole streams should fit into the time of a scenario; with fewer, they end early. */
const FEWEST_WHOLE_DUETS = 6

function meanMs({ spent }: Share, kind: Kind): number {
  const { ms, count } = spent[kind]
  return count === 0 ? 0 : ms / count
}

function progressOf({ evidence, planned }: Share, kind: Kind): number {
  return evidence[kind].length / Math.max(1, planned[kind])
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

/** Short streams are played again until then: long enough to be measured, short enough for some two dozen duets a minute. */
const DUET_TARGET_MS = 1500

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
  { scenario, baseline, params }: GateScenario,
  side: DuetSide,
  round: number,
  versions: Versions,
  deadlineS: number,
): TrialSpec {
  const spec = session.spec(side === 'candidate' ? scenario : baseline, {
    round,
    side,
    workload: versions[side].ref,
    params: params[side],
  })
  return { ...spec, deadline_s: Math.min(spec.deadline_s, deadlineS) }
}

export function duetSpecOf(
  session: Session,
  { scenario, baseline, params }: GateScenario,
  versions: Versions,
  round: number,
  {
    first,
    mostMs,
    deadlineS = Number.POSITIVE_INFINITY,
    core = null,
  }: { first: DuetSide; mostMs: number; deadlineS?: number; core?: number | null },
): DuetSpec {
  const driver: DriverSpec = {
    kind: 'interleaved',
    target_ms: Math.min(DUET_TARGET_MS, mostMs),
    most_ms: mostMs,
  }
  const side = (name: DuetSide): TrialSpec => {
    const spec = session.spec(name === 'candidate' ? scenario : baseline, {
      round,
      side: name,
      workload: versions[name].ref,
      params: params[name],
      driver,
    })
    const deadline_s = Math.min(spec.deadline_s, deadlineS / DUET_DEADLINES)
    return { ...spec, deadline_s, caps: { ...spec.caps, pin_core: spec.caps.pin_core ?? core } }
  }
  return {
    duet: `${scenario.id}-d${round}`,
    sides: { baseline: side('baseline'), candidate: side('candidate') },
    first,
  }
}
