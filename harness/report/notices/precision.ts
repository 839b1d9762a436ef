/** Which scenarios ended early since their mean was known well enough, and which never got there. */
import type { Precision } from '../../analyse/precision.ts'
import { count, formatShare, list } from '../../format.ts'
import type { Notice } from '../section.ts'
import { metricName, plain } from '../text/words.ts'
import type { ReportModel, ScenarioReport } from '../types.ts'

const MOST_NAMED = 5

export function aboutPrecision({ manifest, scenarios }: Omit<ReportModel, 'notices'>): Notice[] {
  const { until, benchmark_runs: most } = manifest.sweep
  if (!until) return []
  const inState = (...states: Precision['state'][]) =>
    scenarios.filter(({ precision, trials }) => trials >= until.min && states.includes(precision!.state))
  const goal = `the mean of ${metricName(until.metric)} known to ±${formatShare(until.ci)}`
  const reached = inState('reached')
  // What is still wider with rounds left was interrupted, which is said elsewhere.
  const never = inState('wider').filter(({ trials }) => trials >= most)
  const notices: Notice[] = []
  if (reached.length > 0) {
    notices.push(
      note(
        `${subject(reached.length, scenarios.length)} stopped by precision after ${range(reached)} of ${most} trials, with ${goal}.`,
      ),
    )
  }
  if (never.length > 0) {
    notices.push({
      level: 'problem',
      text: plain(
        `${subject(never.length, scenarios.length)} did not reach the precision asked for in all ${most} trials (${goal}): ${named(never, widthOf)}. Raise max, allow a wider ci, or measure on a quieter machine.`,
      ),
    })
  }
  const failed = inState('not_ok')
  if (failed.length > 0) {
    notices.push(
      note(`A trial was not ok, which ends the rounds once min is reached: ${named(failed, trialsOf)}.`),
    )
  }
  const without = inState('constant', 'unknown')
  if (without.length > 0) {
    notices.push(
      note(
        `Precision does not apply, since ${until.metric} is constant or unknown: ${named(without, trialsOf)}.`,
      ),
    )
  }
  return notices
}

function note(text: string): Notice {
  return { level: 'note', text: plain(text) }
}

function subject(n: number, of: number): string {
  return `${n} of ${count(of, 'scenario')}`
}

function range(scenarios: readonly ScenarioReport[]): string {
  const trials = scenarios.map((scenario) => scenario.trials)
  const [few, many] = [Math.min(...trials), Math.max(...trials)]
  return few === many ? String(few) : `${few} to ${many}`
}

function named(scenarios: readonly ScenarioReport[], about: (scenario: ScenarioReport) => string): string {
  const names = scenarios.map((scenario) => `${scenario.label} (${about(scenario)})`)
  return list(names, 'and', MOST_NAMED)
}

function widthOf({ precision }: ScenarioReport): string {
  const { halfWidth } = precision!
  return halfWidth === null ? 'the mean is 0' : `±${formatShare(halfWidth)}`
}

function trialsOf({ trials }: ScenarioReport): string {
  return count(trials, 'trial')
}
