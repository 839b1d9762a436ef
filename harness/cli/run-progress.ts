/** What `stint run` says on stderr while a sweep runs. */
import type { TrialResult } from '../../workers/protocol.ts'
import { count, formatNumber } from '../format.ts'
import type { Manifest } from '../record/types.ts'
import { plain, runsText } from '../report/words.ts'
import type { ResumeEvents } from '../run/resume-run.ts'
import type { Scenario, Sweep } from '../sweep/types.ts'
import { pass, tell, wantsColour, widthOf } from './console.ts'
import { Progress } from './progress.ts'

export class RunProgress implements ResumeEvents {
  readonly #silent: boolean
  #progress: Progress | null = null

  /** @param silent says nothing at all */
  constructor(sweep: Sweep, silent: boolean) {
    this.#silent = silent
    const { name, scenarios, benchmark_runs: runs, until } = sweep
    const trials = scenarios.reduce((sum, scenario) => sum + (scenario.runs ?? runs), 0)
    const times =
      trials === scenarios.length * runs ? `x ${runsText(sweep)}` : `of 1 to ${count(runs, 'run')}`
    const total = `${until ? 'at most ' : ''}${count(trials, 'trial')}`
    this.#tell(`${name}: ${count(scenarios.length, 'scenario')} ${times} = ${total}`)
  }

  onMended(bytes: number): void {
    this.#tell(
      `the journal ended in ${count(bytes, 'byte')} of a line cut short; they are removed and that trial runs again`,
    )
  }

  onForced(changes: readonly string[]): void {
    for (const change of changes) this.#tell(`forced: ${plain(change)}`)
  }

  onPrepared(_folder: string, manifest: Manifest, finished: number, left: number): void {
    if (finished > 0) {
      const most = manifest.sweep.until ? 'at most ' : ''
      this.#tell(
        `${count(finished, 'trial')} ${finished === 1 ? 'is' : 'are'} there; the other ${most}${left} ${left === 1 ? 'follows' : 'follow'}, by the sweep as it was at the start`,
      )
    }
    for (const { fingerprint, rows, ceiling_r2 } of manifest.datasets) {
      const ceiling = ceiling_r2 === null ? '' : `, best reachable R2 ${formatNumber(ceiling_r2, 4)}`
      this.#tell(`data: ${count(rows, 'row')}, sha256 ${fingerprint.sha256.slice(0, 12)}…${ceiling}`)
    }
    for (const note of manifest.notes) this.#tell(`note: ${plain(note)}`)
    if (this.#silent) return
    this.#progress = new Progress({
      trials: finished + left,
      finished,
      now: () => performance.now(),
      write: pass,
      live: process.stderr.isTTY === true,
      colour: wantsColour(process.stderr),
      width: widthOf(process.stderr),
    })
  }

  onStart(scenario: Scenario): void {
    this.#progress?.starts(scenario.label)
  }

  onResult(scenario: Scenario, result: TrialResult): void {
    this.#progress?.ended(result, scenario.label)
  }

  onSkip(): void {
    this.#progress?.skipped()
  }

  close(): void {
    this.#progress?.close()
    this.#progress = null
  }

  #tell(text: string): void {
    if (!this.#silent) tell(text)
  }
}
