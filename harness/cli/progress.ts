/**
 * Progress on stderr: a bar on a terminal, a line now and then elsewhere; failures as they happen.
 * Knows neither clock nor stream of its own, so that tests can read it.
 */
import type { NotOkTrial, TrialResult } from '../../workers/protocol.ts'
import { count, formatDuration } from '../format.ts'
import { cut } from '../report/render/terminal.ts'
import { plain } from '../report/words.ts'

export interface ProgressOptions {
  trials: number
  /** Trials that had ended before a resumed run went on. */
  finished?: number
  /** Milliseconds, monotonic. */
  now: () => number
  write: (text: string) => void
  /** A terminal: redraw one line; else print whole lines. */
  live: boolean
  colour: boolean
  width: number
}

const BAR_WIDTH = 24
/** Without a terminal: one line for each tenth of the trials. */
const LINES_WITHOUT_TERMINAL = 10
const CLEAR_LINE = '\r\u001b[2K'

export class Progress {
  readonly #options: ProgressOptions
  readonly #started: number
  #trials: number
  #done = 0
  #failures = 0
  #current = ''

  constructor(options: ProgressOptions) {
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
    this.#trials--
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
    const tenth = (count: number) => Math.floor((count * LINES_WITHOUT_TERMINAL) / this.#trials)
    return tenth(this.#done) !== tenth(this.#done - 1)
  }

  #draw(): void {
    if (!this.#options.live) return
    const { width } = this.#options
    const filled = Math.round((this.#done / this.#trials) * BAR_WIDTH)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`
    const line = `${bar} ${this.#status()}  ${this.#current}`
    this.#options.write(`${CLEAR_LINE}${cut(line, width - 1)}`)
  }

  #status(): string {
    const parts = [`${this.#done}/${count(this.#trials, 'trial')}`]
    if (this.#failures > 0) parts.push(`${this.#failures} not ok`)
    const left = this.#secondsLeft()
    if (left !== null) parts.push(`${formatDuration(Math.ceil(left))} left`)
    return parts.join(', ')
  }

  /** From the mean pace so far; unknown until a trial has ended. */
  #secondsLeft(): number | null {
    const measured = this.#done - (this.#options.finished ?? 0)
    if (measured === 0 || this.#done === this.#trials) return null
    const pace = (this.#options.now() - this.#started) / measured
    return (pace * (this.#trials - this.#done)) / 1000
  }
}

/** Without what would steer the terminal: the words may be a workload's. */
function firstLine(text: string): string {
  return plain(text.split('\n')[0] ?? '')
}
