/** Tries a limit for real on a process that does nothing. */
import { type ChildProcess, spawn } from 'node:child_process'

/**
 * @param apply puts the limit in force
 * @returns null where that worked and could be cleared, else why not
 */
export async function tryOnSleeper(
  apply: (pid: number) => { remove(): Promise<void> },
): Promise<string | null> {
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => {
    sleeper.once('exit', () => resolve())
    sleeper.once('error', () => resolve())
  })
  try {
    if (sleeper.pid === undefined) return 'could not start a process to try it on'
    const applied = apply(sleeper.pid)
    await end(sleeper, ended)
    await applied.remove()
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    await end(sleeper, ended)
  }
}

async function end(sleeper: ChildProcess, ended: Promise<void>): Promise<void> {
  sleeper.kill('SIGKILL')
  await ended
}
