/** What a command says of a run that stopped before its end. */
import type { SweepRun } from '../session/run.ts'
import { tell } from './console.ts'
import { EXIT } from './exit.ts'

/**
 * The folder of a run that finished. Of one that was interrupted it says so, leaves the exit code, and gives null.
 * @param goOn lines that tell what may be done with an interrupted run's folder
 */
export function finishedFolder(
  end: Exclude<SweepRun, { done: 'refused' }>,
  goOn: (folder: string) => string[],
): string | null {
  if (end.done === 'finished') return end.folder
  process.exitCode = EXIT.interrupted
  if (end.done === 'interrupted') {
    tell(`stint: interrupted; what was measured is in ${end.folder}`)
    for (const line of goOn(end.folder)) tell(`  ${line}`)
  } else tell('stint: interrupted before the first trial; nothing was written')
  return null
}
