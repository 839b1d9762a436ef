/**
 * What a program may show while a run or a gate is under way: a bar on a terminal, a line now and then elsewhere, and
 * failures as they happen. Writes to no stream of its own, so that tests can read it.
 */
import type { NotOkTrial, TrialResult } from '../workers/protocol/trial-result.ts'
import { count, formatDuration, formatNumber, plain } from './format.ts'
import type { GateEvent } from './gate/types.ts'
import type { Manifest } from './record/types.ts'
import { cut } from './report/render/terminal.ts'
import { labelWords, sizeOf, waitText } from './report/words.ts'
import type { RunEvent } from './session/events.ts'
import { searchText } from './sweep/search.ts'
import type { Sweep } from './sweep/types.ts'

export interface ProgressOptions {
  write(text: string): void
  /** A terminal: redraw one line; else print whole lines. */
  live: boolean
  colour: boolean
  /** Columns. */
  width: number
  /** Milliseconds, monotonic; the system's where none is given. */
  now?(): number
}

/** To be handed over as `onEvent`. */
export interface Shown {
  hear(event: RunEvent | GateEvent): void
  /** Takes the bar away, so that what follows starts on a clean line. */
  close(): void
}

const CLEAR_LINE = '\r\u001b[2K'
/** Of a gate, where there is no terminal, ms. */
const LINE_EVERY_MS = 15_000
/** What cannot be run is mostly known sooner, and then the error stands by itself. */
const AIM_AFTER_MS = 700

export class Progress implements Shown {
  readonly #options: Required<ProgressOptions>
  #labels = new Map<string, string>()
  #trials: TrialProgress | null = null
  /** A gate's line is on the screen. */
  #open = false
  #last: number
  /** What the run sets out to do, where that is not said yet. */
  #aim: string | null = null
  #aimTimer: NodeJS.Timeout | undefined

  constructor(options: ProgressOptions) {
    this.#options = { now: () => performance.now(), ...options }
    this.#last = this.#options.now()
  }

  readonly hear = (event: RunEvent | GateEvent): void => {
    this.#tellAim()
    switch (event.event) {
      case 'preparing':
        this.#aim = `${event.sweep.name}: ${aimOf(event.sweep)}`
        this.#aimTimer = setTimeout(() => this.#tellAim(), AIM_AFTER_MS).unref()
        break
      case 'prepared':
        this.#prepared(event.manifest, event.finished, event.left)
        break
      case 'started':
        this.#trials?.starts(this.#labelOf(event.trial.scenario))
        break
      case 'finished':
        this.#trials?.ended(event.result, this.#labelOf(event.trial.scenario))
        break
      case 'skipped':
        this.#trials?.skipped()
        break
      case 'note':
      case 'step':
        this.#tell(event.text)
        break
      case 'starts': {
        const { now, done, planned, leftMs } = event
        const of = planned === null ? '' : ` (at most ${planned.duets - done.duets} more)`
        this.#show(`${inWords(now)}${of}; at most ${waitText(leftMs / 1000)} left`)
        break
      }
      case 'trial':
        this.#show(`trial ${event.done} of ${event.planned}`)
        break
      case 'interrupted':
        // Whoever interrupts it knows.
        break
    }
  }

  close(): void {
    clearTimeout(this.#aimTimer)
    this.#trials?.close()
    this.#trials = null
    if (this.#open) this.#options.write('\n')
    this.#open = false
  }

  #labelOf(scenario: string): string {
    return this.#labels.get(scenario) ?? scenario
  }

  #prepared(manifest: Manifest, finished: number, left: number): void {
    this.#labels = new Map(manifest.sweep.scenarios.map(({ id, label }) => [id, labelWords(label)]))
    const isSearch = manifest.sweep.search !== null
    if (finished > 0 && isSearch)
      this.#tell(`${count(finished, 'trial')} ${finished === 1 ? 'is' : 'are'} there; the search goes on`)
    else if (finished > 0) {
      const most = manifest.sweep.until ? 'at most ' : ''
      const there = `${count(finished, 'trial')} ${finished === 1 ? 'is' : 'are'} there`
      this.#tell(
        left === 0
          ? `${there}, and none is left to run`
          : `${there}; the other ${most}${left} ${left === 1 ? 'follows' : 'follow'}, by the sweep as it was at the start`,
      )
    }
    for (const { fingerprint, rows, ceiling_r2 } of manifest.datasets) {
      const ceiling =
        ceiling_r2 === null ? '' : `, best reachable R2 over all rows ${formatNumber(ceiling_r2, 4)}`
      this.#tell(`data: ${count(rows, 'row')}, sha256 ${fingerprint.sha256.slice(0, 12)}…${ceiling}`)
    }
    for (const note of manifest.notes) this.#tell(`note: ${note}`)
    const trials = isSearch ? null : finished + left
    this.#trials = new TrialProgress({ ...this.#options, trials, finished })
  }

  #tellAim(): void {
    clearTimeout(this.#aimTimer)
    if (this.#aim !== null) this.#tell(this.#aim)
    this.#aim = null
  }

  /** One line that stays. */
  #tell(text: string): void {
    if (this.#open) this.#options.write('\n')
    this.#open = false
    this.#options.write(`${plain(text)}\n`)
  }

  /** A line that the next one replaces. */
  #show(text: string): void {
    const { live, width, write, now } = this.#options
    if (live) {
      write(`${CLEAR_LINE}${cut(text, width - 1)}`)
      this.#open = true
    } else if (now() - this.#last > LINE_EVERY_MS) {
      this.#last = now()
      write(`${text}\n`)
    }
  }
}

/** `duet 3 of chunk_size=64` -> `duet 3 of chunk 64`. */
function inWords(now: string): string {
  const [what, ...label] = now.split(' of ')
  return label.length === 0 ? plain(now) : `${what} of ${labelWords(label.join(' of '))}`
}

/** What a run sets out to do; nobody knows how many trials a search will take. */
function aimOf(sweep: Sweep): string {
  const { search, goal } = sweep
  return search === null ? sizeOf(sweep).text : searchText({ search, goal })
}

export interface TrialProgressOptions extends Required<ProgressOptions> {
  /** Null: not known, as of a search. */
  trials: number | null
  /** Trials that had ended before a resumed run went on. */
  finished?: number
}

const BAR_WIDTH = 24
/** Without a terminal: one line for each tenth of the trials. */
const LINES_WITHOUT_TERMINAL = 10

export class TrialProgress {
  readonly #options: TrialProgressOptions
  readonly #started: number
  #trials: number | null
  #done = 0
  #failures = 0
  #current = ''

  constructor(options: TrialProgressOptions) {
    this.#options = options
    this.#trials = options.trials
    this.#done = options.finished ?? 0
    this.#started = options.now()
  }

  starts(label: string): void {
    this.#current = plain(label)
    this.#draw()
  }

  ended(result: TrialResult, label: string): void {
    this.#done++
    if (result.outcome !== 'ok') {
      this.#failures++
      this.#print(this.#failureLine(result, label))
    }
    if (this.#options.live) this.#draw()
    else if (this.#isMilestone()) this.#options.write(`${this.#status()}\n`)
  }

  /** One trial fewer than expected. */
  skipped(): void {
    if (this.#trials !== null) this.#trials--
    this.#draw()
  }

  /** Takes the bar away, so that what follows starts on a clean line. */
  close(): void {
    if (this.#options.live) this.#options.write(CLEAR_LINE)
  }

  #failureLine(result: NotOkTrial, label: string): string {
    const mark = this.#options.colour ? '\u001b[31m✗\u001b[0m' : '✗'
    return `${mark} ${result.outcome}  ${plain(label)}  round ${result.round}: ${firstLine(result.error.message)}`
  }

  #print(line: string): void {
    this.#options.write(this.#options.live ? `${CLEAR_LINE}${line}\n` : `${line}\n`)
  }

  #isMilestone(): boolean {
    const trials = this.#trials
    // A search says what it finds, line by line.
    if (trials === null) return false
    const tenth = (count: number) => Math.floor((count * LINES_WITHOUT_TERMINAL) / trials)
    return tenth(this.#done) !== tenth(this.#done - 1)
  }

  #draw(): void {
    if (!this.#options.live) return
    const { width } = this.#options
    const filled = this.#trials === null ? 0 : Math.round((this.#done / this.#trials) * BAR_WIDTH)
    const bar = this.#trials === null ? '' : `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} `
    const line = `${bar}${this.#status()}  ${this.#current}`
    this.#options.write(`${CLEAR_LINE}${cut(line, width - 1)}`)
  }

  #status(): string {
    const trials = this.#trials
    const parts = [trials === null ? count(this.#done, 'trial') : `${this.#done}/${count(trials, 'trial')}`]
    if (this.#failures > 0) parts.push(`${this.#failures} not ok`)
    const left = this.#secondsLeft()
    if (left !== null) parts.push(`${formatDuration(Math.ceil(left))} left`)
    return parts.join(', ')
  }

  /** From the mean pace so far; unknown until a trial has ended. */
  #secondsLeft(): number | null {
    const measured = this.#done - (this.#options.finished ?? 0)
    if (this.#trials === null || measured === 0 || this.#done === this.#trials) return null
    const pace = (this.#options.now() - this.#started) / measured
    return (pace * (this.#trials - this.#done)) / 1000
  }
}

/** Without what would steer the terminal: the words may be a workload's. */
function firstLine(text: string): string {
  return plain(text.split('\n')[0] ?? '')
}
