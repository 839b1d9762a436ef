/** What `stint run` says on stderr while a sweep runs. */
import { count, formatNumber } from '../format.ts'

import type { Manifest } from '../record/types.ts'
import { plain, runsText } from '../report/words.ts'
import type { RunEvent } from '../session/events.ts'
import type { Sweep } from '../sweep/types.ts'
import { pass, tell, wantsColour, widthOf } from './console.ts'
import { Progress } from './progress.ts'

export class RunProgress {
  readonly #silent: boolean
  #labels = new Map<string, string>()
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

  /** Listens to the run. */
  readonly hear = (event: RunEvent): void => {
    if (event.event === 'prepared') this.#prepared(event.manifest, event.finished, event.left)
    else if (event.event === 'started') this.#progress?.starts(this.#labelOf(event.trial.scenario))
    else if (event.event === 'finished') {
      this.#progress?.ended(event.result, this.#labelOf(event.trial.scenario))
    } else if (event.event === 'skipped') this.#progress?.skipped()
    else if (event.event === 'note') this.#tell(plain(event.text))
  }

  close(): void {
    this.#progress?.close()
    this.#progress = null
  }

  #labelOf(scenario: string): string {
    return this.#labels.get(scenario) ?? scenario
  }

  #prepared(manifest: Manifest, finished: number, left: number): void {
    this.#labels = new Map(manifest.sweep.scenarios.map(({ id, label }) => [id, label]))
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

  #tell(text: string): void {
    if (!this.#silent) tell(text)
  }
}
