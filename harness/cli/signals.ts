/** Ctrl-C, kill and hang-up: the first asks the run to stop cleanly, a second one ends it now. */
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { GROUP_SIGNALS, type ProgressOptions, RunStopped, type Shown, showProgress } from '../index.ts'
import { EXIT } from './command.ts'
import { draw, pass, tell, wantsColour, widthOf } from './console.ts'

export interface Watched {
  signal: AbortSignal
  onEvent: Shown['hear']
  onOutput(text: string): void
}

/**
 * Does work that takes a while, with its progress on stderr, and stops it cleanly on a signal.
 * @param nothing what to say where it was stopped before there was anything to keep
 * @returns null where it was stopped so; the exit code is set
 */
export async function watched<T>(
  { quiet = false, nothing }: { quiet?: boolean; nothing: string },
  work: (hooks: Watched) => Promise<T>,
): Promise<T | null> {
  const stop = new AbortController()
  const { signal } = stop
  const removeHandlers = stopOnSignals(stop)
  let shown: Shown | null = null
  try {
    shown = quiet ? null : await showProgress(screen())
    return await work({ signal, onEvent: shown?.hear ?? (() => {}), onOutput: pass })
  } catch (error) {
    if (!signal.aborted || error instanceof RunStopped) throw error
    shown?.close()
    tell(`stint: interrupted${nothing}`)
    process.exitCode = EXIT.interrupted
    return null
  } finally {
    shown?.close()
    removeHandlers()
  }
}

/** Does work that has no end of its own until the first signal; a second one ends it at once. */
export async function untilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const removeHandlers = stopOnSignals(stop)
  try {
    await work(stop.signal)
  } finally {
    removeHandlers()
  }
}

function screen(): ProgressOptions {
  const { stderr } = process
  return { write: draw, live: stderr.isTTY === true, colour: wantsColour(stderr), width: widthOf(stderr) }
}

/** @returns a function that takes the handlers away */
function stopOnSignals(stop: AbortController): () => void {
  const onSignal = () => {
    // The supervisor sees its pipe close and kills what still runs, so leaving at once is safe.
    if (stop.signal.aborted) process.exit(EXIT.interrupted)
    tell('\nstint: stopping; once more to leave at once')
    stop.abort()
  }
  const names = GROUP_SIGNALS.filter((name) => name !== 'SIGHUP' || !ignoresHangUp)
  for (const name of names) process.on(name, onSignal)
  return () => {
    for (const name of names) process.off(name, onSignal)
  }
}

let ignoresHangUp = false

/**
 * To be called first: keeps this process running through a hang-up where it was started so, as by `nohup`.
 * Node gives every signal its default action when it starts, so that SigIgn of this process is lost. What remains to be
 * seen are the marks that nohup leaves, and whether the parent, whose ignored signals are inherited, ignores it.
 */
export function keepIgnoringHangUp(): void {
  ignoresHangUp = startedByNohup() || parentIgnoresHangUp()
  if (ignoresHangUp) process.on('SIGHUP', () => {})
}

/** The shell's variable for the program it starts, or standard input as nohup takes it away from a terminal. */
function startedByNohup(): boolean {
  if (basename(process.env['_'] ?? '') === 'nohup') return true
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'latin1'))?.[1]
    const isWriteOnly = flags !== undefined && (Number.parseInt(flags, 8) & 0o3) === 0o1
    return isWriteOnly && readlinkSync('/proc/self/fd/0') === '/dev/null'
  } catch {
    // Not Linux, or no such standard input.
    return false
  }
}

const SIGHUP_BIT = 1

function parentIgnoresHangUp(): boolean {
  try {
    const status = readFileSync(`/proc/${process.ppid}/status`, 'latin1')
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1]?.slice(-1) ?? '0'
    return (Number.parseInt(ignored, 16) & SIGHUP_BIT) !== 0
  } catch {
    return false
  }
}
