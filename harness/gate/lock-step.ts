/** Duet after duet, and trials of one cell between them, until every test is decided or the time is up. */
import type { DuetExecutor } from '../execute/executor.ts'
import { seededRandom, shuffle } from '../sweep/random.ts'
import type { Sweep } from '../sweep/types.ts'
import { FAILURES_TO_CLAIM } from './outcomes.ts'
import { Places } from './places.ts'
import { type Counts, type Looks, largestSample, looksAt } from './plan.ts'
import { duetSpecOf, type Means, trialSpecOf } from './specs.ts'
import { type Family, familyOf, isDecided, lookAt, rowsOf } from './tests.ts'
import type { Evidence, GateResult, GateScenario, Rules, Versions } from './types.ts'
import { verdictOf } from './verdict.ts'

export interface LockStep extends Means {
  executor: DuetExecutor
  sweep: Sweep
  scenarios: readonly GateScenario[]
  versions: Versions
  rules: Rules
  limitMs: number
  /** A clock that never jumps, ms. */
  now(): number
  signal: AbortSignal
  onProgress?(progress: { done: Counts; planned: Counts; leftMs: number }): void
}

export type Comparison = Omit<GateResult, 'a' | 'b' | 'name'>

type Kind = keyof Counts

/** @throws where the executor is broken; and after `signal`, what a closed executor throws */
export async function compareInLockStep(options: LockStep): Promise<Comparison> {
  return await new Session(options).run()
}

class Session {
  private readonly options: LockStep
  private readonly evidence: Map<GateScenario, Evidence>
  private readonly random: () => number
  private readonly places: Map<GateScenario, Record<Kind, Places>>
  private readonly spent: Record<Kind, { ms: number; count: number }> = {
    duets: { ms: 0, count: 0 },
    solos: { ms: 0, count: 0 },
  }
  private readonly began: number

  constructor(options: LockStep) {
    this.options = options
    this.random = seededRandom(options.sweep.random_seed)
    this.evidence = new Map(options.scenarios.map((entry) => [entry, { duets: [], solos: [] }]))
    this.places = new Map(
      options.scenarios.map((entry) => [
        entry,
        { duets: new Places(this.random), solos: new Places(this.random) },
      ]),
    )
    this.began = options.now()
  }

  async run(): Promise<Comparison> {
    for (const entry of this.shuffled()) await this.firstRound(entry)
    const family = familyOf(this.evidence, this.options.rules)
    const claimAlpha = this.options.rules.settings.alpha / family.size
    if (this.verdict(family, claimAlpha) === 'regression') return this.result(family, claimAlpha, 'decided')

    const roundMs = { duetsMs: this.roundMs('duets'), solosMs: this.roundMs('solos') }
    const planned = largestSample(this.leftMs(), roundMs)
    const looks = {
      duets: looksAt(planned.duets, 'duets', claimAlpha),
      solos: looksAt(planned.solos, 'solos', claimAlpha),
    }
    const ended = await this.measure(family, claimAlpha, planned, looks)
    if (ended === 'time_limit') this.lookLast(family, looks)
    return this.result(family, claimAlpha, ended)
  }

  /** What must be known first: whether both versions run, what they score, and what a duet takes. */
  private async firstRound(entry: GateScenario): Promise<void> {
    await this.solo(entry)
    const { solos } = this.evidence.get(entry)!
    for (let failures = 1; failures < FAILURES_TO_CLAIM; failures++) {
      const last = solos.at(-1)!
      if (last.a.outcome === 'ok' && last.b.outcome !== 'ok') await this.solo(entry)
    }
    if (runs(this.evidence.get(entry)!)) await this.duet(entry)
  }

  private async measure(
    family: Family,
    claimAlpha: number,
    planned: Counts,
    looks: Record<Kind, Looks>,
  ): Promise<GateResult['ended']> {
    const done: Counts = { duets: 1, solos: 1 }
    while (done.duets < planned.duets || done.solos < planned.solos) {
      // Trials are spread over the duets, so that both see the same times of day.
      const kind = done.solos * planned.duets < done.duets * planned.solos ? 'solos' : 'duets'
      for (const entry of this.shuffled()) {
        if (!this.needs(family, entry, kind)) continue
        if (this.leftMs() < this.meanMs(kind)) return 'time_limit'
        await (kind === 'duets' ? this.duet(entry) : this.solo(entry))
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

  private async solo(entry: GateScenario): Promise<void> {
    const { executor, sweep, versions } = this.options
    const { solos } = this.evidence.get(entry)!
    const run = (side: 'a' | 'b') =>
      executor.run(trialSpecOf(sweep, entry, side, solos.length + 1, versions[side].workload, this.options))
    await this.timed('solos', async () => {
      const first = this.places.get(entry)!.solos.next()
      const one = await run(first)
      const other = await run(first === 'a' ? 'b' : 'a')
      solos.push(first === 'a' ? { a: one, b: other } : { a: other, b: one })
    })
  }

  private async duet(entry: GateScenario): Promise<void> {
    const { executor, versions, datasetOf } = this.options
    const { duets } = this.evidence.get(entry)!
    await this.timed('duets', async () => {
      const first = this.places.get(entry)!.duets.next()
      duets.push(await executor.duet(duetSpecOf(entry, versions, duets.length + 1, first, datasetOf)))
    })
  }

  private async timed(kind: Kind, work: () => Promise<void>): Promise<void> {
    const before = this.options.now()
    await work()
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
    const seconds = { duets: this.roundMs('duets') / 1000, solos: this.roundMs('solos') / 1000 }
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
      trials: 2 * this.spent.solos.count,
      elapsed_s: (this.options.now() - this.began) / 1000,
      ended,
    }
  }
}

function runs({ solos }: Evidence): boolean {
  const last = solos.at(-1)
  return last !== undefined && last.a.outcome === 'ok' && last.b.outcome === 'ok'
}
