/** What `stint gate` says on stderr while it works: a line a step, and how far the measuring is. */
import { plain, waitText } from '../report/words.ts'
import { pass, tell } from './console.ts'

/** Where stderr is no terminal, a line now and then is enough, ms. */
const LINE_EVERY_MS = 15_000

export class GateProgress {
  readonly #silent: boolean
  readonly #live = process.stderr.isTTY === true
  #open = false
  #last = performance.now()

  constructor(silent: boolean) {
    this.#silent = silent
  }

  step(text: string): void {
    if (this.#silent) return
    this.close()
    tell(plain(text))
  }

  measured({
    done,
    planned,
    leftMs,
  }: {
    done: { duets: number; pairs: number }
    planned: { duets: number; pairs: number }
    leftMs: number
  }): void {
    const left = waitText(Math.max(0, leftMs / 1000))
    this.#show(
      `round ${done.duets} of at most ${planned.duets} in lock step, ${done.pairs} of ${planned.pairs} one by one; at most ${left} left`,
    )
  }

  trial(done: number, planned: number): void {
    this.#show(`trial ${done} of ${planned}`)
  }

  close(): void {
    if (this.#open) pass('\n')
    this.#open = false
  }

  #show(text: string): void {
    if (this.#silent) return
    if (this.#live) {
      pass(`\r\u001b[K${text}`)
      this.#open = true
    } else if (performance.now() - this.#last > LINE_EVERY_MS) {
      this.#last = performance.now()
      tell(text)
    }
  }
}
