/** The first commit after which a gate proves a regression, by git's own order. */
import type { DuetExecutor } from '../execute/executor.ts'
import { removeOwnFolders } from '../ownership/leftovers.ts'
import { labelWords, metricName } from '../report/words.ts'
import type { LoadedSweep } from '../sweep/load.ts'
import { UserError } from '../user-error.ts'
import { type Checkout, checkOut } from './checkout.ts'
import { compareHolding, type DecideOptions, otherVersion } from './decide.ts'
import { askGit, git } from './git.ts'
import { TimeLimit } from './time-limit.ts'
import type { Bisection, BisectStep, GateResult } from './types.ts'

export interface BisectRange {
  /** Git refs in the repository of the sweep; `good` is an ancestor of `bad`. */
  good: string
  bad: string
}

/**
 * Holds gates of commits against `good`. Each commit is played with its own sweep and module.
 * @throws {UserError} where the range is none, or `good` itself cannot be played
 */
export async function bisectSweep(
  loaded: LoadedSweep,
  { good, bad }: BisectRange,
  start: () => DuetExecutor,
  { limitMs, ...options }: Omit<DecideOptions, 'limit'> & { limitMs: number },
): Promise<Bisection> {
  const { signal, onEvent } = options
  const onStep = (text: string) => onEvent({ event: 'step', text })
  const { workload, gate: settings, source } = loaded.sweep
  const removeFolders = () => removeOwnFolders()
  process.once('exit', removeFolders)
  // Nothing of the working copy is played.
  const checkedOut = (ref: string, limit: TimeLimit) =>
    checkOut({
      ...{ ref, option: '--good', sweep: source.path, workload, settings },
      ...{ buildCandidate: null, limit, signal, onStep },
    })
  const versionOf = (checkout: Checkout) => otherVersion(loaded, checkout, [], workload)
  try {
    const baseline = await checkedOut(good, new TimeLimit(limitMs))
    try {
      const measured = await versionOf(baseline)
      const judge = async (commit: string): Promise<BisectStep> => {
        const limit = new TimeLimit(limitMs)
        let checkout: Checkout | null = null
        try {
          checkout = await checkedOut(commit, limit)
          const { name, sweep, workload } = (await versionOf(checkout)).baseline
          const candidate = { name, workload }
          const { verdict, rows } = await compareHolding(sweep!, { ...measured, candidate }, start, {
            ...options,
            limit,
          })
          return { commit, verdict, why: whyOf(verdict, rows) }
        } catch (error) {
          // Another commit may do.
          if (!(error instanceof UserError)) throw error
          return { commit, verdict: 'skipped', why: error.message.split('\n')[0]! }
        } finally {
          checkout?.remove()
        }
      }
      const found = await findFirst({ top: baseline.top, good, bad, judge, signal, onStep })
      return { name: loaded.sweep.name, good, bad, ...found }
    } finally {
      baseline.remove()
    }
  } finally {
    process.off('exit', removeFolders)
  }
}

function whyOf(verdict: GateResult['verdict'], rows: GateResult['rows']): string {
  const [worst] = rows.filter((row) => row.verdict === verdict && verdict !== 'ruled_out')
  if (worst === undefined) return ''
  const ratio = worst.ratio === null ? '' : ` ${worst.ratio.value.toFixed(3)}×`
  return `${metricName(worst.metric)} of ${labelWords(worst.label)}${ratio}`
}

interface Search extends BisectRange {
  /** The top of the repository. */
  top: string
  judge(commit: string): Promise<BisectStep>
  signal: AbortSignal
  onStep(text: string): void
}

/** @throws {UserError} where `good` is no ancestor of `bad` */
export async function findFirst(search: Search): Promise<Pick<Bisection, 'found' | 'candidates' | 'steps'>> {
  const { top, judge, signal, onStep } = search
  const [good, bad] = [await hashOf(search.good, search), await hashOf(search.bad, search)]
  if (good === bad || (await askGit(top, ['merge-base', '--is-ancestor', good, bad], signal)) === null) {
    throw new UserError(
      `--good ${search.good}: is ${good === bad ? 'the same commit as' : 'no ancestor of'} --bad ${search.bad}`,
      `name an older commit, such as "git merge-base ${search.good} ${search.bad}"`,
    )
  }
  const steps: BisectStep[] = []
  const tried = async (commit: string): Promise<BisectStep> => {
    const step = await judge(commit)
    steps.push(step)
    onStep(
      `${commit.slice(0, 7)}: ${step.verdict.replace('_', ' ')}${step.why === '' ? '' : `, ${step.why}`}`,
    )
    return step
  }
  if ((await tried(bad)).verdict !== 'regression') return { found: null, candidates: [], steps }
  const known = { good: [good], bad }
  const skipped = new Set<string>()
  for (;;) {
    signal.throwIfAborted()
    // All that may be the first, the one that halves them first.
    const words = ['rev-list', '--bisect-all', known.bad, ...known.good.map((commit) => `^${commit}`)]
    const listed = (await git(top, words, signal)).split('\n').map((line) => line.split(' ')[0]!)
    const next = listed.find((commit) => commit !== known.bad && !skipped.has(commit))
    if (next === undefined) {
      const found = listed.length === 1 ? known.bad : null
      return { found, candidates: found === null ? listed : [], steps }
    }
    const { verdict } = await tried(next)
    if (verdict === 'regression') known.bad = next
    else if (verdict === 'ruled_out') known.good.push(next)
    else skipped.add(next)
  }
}

async function hashOf(ref: string, { top, signal }: Pick<Search, 'top' | 'signal'>): Promise<string> {
  const hash = ref.startsWith('-')
    ? null
    : await askGit(top, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], signal)
  if (hash) return hash
  throw new UserError(
    `${ref}: git knows no such commit in ${top}`,
    '"git log --oneline" lists the commits that there are',
  )
}
