/** Ctrl-C and kill: the first asks the run to stop cleanly, a second one ends it now. */
import { tell } from './console.ts'
import { EXIT } from './exit.ts'

/** @returns a function that takes the handlers away */
export function stopOnSignals(stop: AbortController): () => void {
  const onSignal = () => {
    // The governor sees its pipe close and kills what still runs, so leaving at once is safe.
    if (stop.signal.aborted) process.exit(EXIT.interrupted)
    tell('\nstint: stopping; once more to leave at once')
    stop.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
  return () => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, onSignal)
  }
}
