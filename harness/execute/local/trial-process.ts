/** One disposable trial process: a Tinypool of one child process that is used for one job. */
import type { ChildProcess } from 'node:child_process'
import { Tinypool } from 'tinypool'
import type { TrialPermit, TrialSignal } from '../../../workers/protocol/trial-process.ts'
import { endStuckStart, taskLimitError } from './task-limit.ts'

/** How a trial process ended that gave no result. */
export interface ProcessDeath {
  code: number | null
  signal: NodeJS.Signals | null
  /** The last of what it wrote to stderr. */
  stderr: string
  /** Why it was killed here; null where it was not. */
  fault: string | null
}

export type ProcessEnding<R> =
  | { kind: 'result'; result: R }
  /** The job's own function threw. */
  | { kind: 'error'; error: unknown }
  | { kind: 'death'; death: ProcessDeath }

export interface HostOptions {
  /** Compiled entry file and the function in it. */
  filename: string
  name: string
  job: unknown
  environment: Record<string, string>
  /** V8's. */
  flags?: readonly string[]
  /** Called for all that the trial process writes to stdout or stderr. */
  onOutput(text: string): void
  onSignal?(stint: TrialSignal['stint']): void
}

const SIGNALS: readonly unknown[] = [
  'empty',
  'given',
  'warm',
  'measured',
  'finished',
] satisfies TrialSignal['stint'][]
/** What a process wrote last is read within this after its end; one that it left behind may hold its pipes for good. */
const LAST_OUTPUT_MS = 100
/** V8's last words and a stack trace fit; a workload that prints a lot must not fill the coordinator. */
const STDERR_KEPT = 8192

export class TrialProcess<R> {
  readonly pid: number
  /** Resolves once the process is gone, whatever became of the job. */
  readonly ended: Promise<ProcessEnding<R>>
  private readonly child: ChildProcess
  private readonly pool: Tinypool
  private stderr = ''
  private fault: string | null = null

  /** @throws where the system starts no process */
  constructor(options: HostOptions) {
    this.pool = new Tinypool({
      runtime: 'child_process',
      filename: options.filename,
      minThreads: 0,
      maxThreads: 1,
      execArgv: [...(options.flags ?? [])],
      env: options.environment,
    })
    // A process that ends before its job began: `exited` below tells.
    this.pool.on('error', () => {})
    const result: Promise<R> = this.pool.run(options.job, { name: options.name })
    result.catch(() => {})
    this.child = childOf(this.pool)
    if (this.child.pid === undefined) {
      this.abandon()
      throw taskLimitError()
    }
    this.pid = this.child.pid
    endStuckStart(this.child)
    this.divert(options.onOutput)
    this.child.on('message', (message: Partial<TrialSignal> | null) => {
      if (SIGNALS.includes(message?.stint)) options.onSignal?.(message!.stint!)
    })
    guardChannel(this.child, () => {
      this.fault = 'wrote what is no message into the channel to the coordinator'
      this.kill()
    })
    this.ended = this.end(result)
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  permit(permit: TrialPermit): void {
    // A trial process that has just ended needs no permit.
    if (this.child.connected) this.child.send(permit, () => {})
  }

  /** SIGKILL ends a stopped process as well. */
  kill(): void {
    this.child.kill('SIGKILL')
  }

  /** Of a process that did not start Node tells by an error, where the pool waits for its exit to let go of all it holds. */
  private abandon(): void {
    const { child } = this
    child.once('error', () =>
      setImmediate(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
        void this.pool.destroy()
        child.emit('exit', 1, null)
      }),
    )
  }

  /** Tinypool pipes a child's output into this process's own, whose stdout belongs only to the answer. */
  private divert(onOutput: (text: string) => void): void {
    const { stdout, stderr } = this.child
    stdout?.unpipe(process.stdout)
    stderr?.unpipe(process.stderr)
    stdout?.setEncoding('utf8').on('data', onOutput)
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_KEPT)
      onOutput(text)
    })
    // A stream that was unpiped rests: unread, what a workload prints would fill the pipe, and the trial never end.
    stdout?.resume()
    stderr?.resume()
  }

  private async end(result: Promise<R>): Promise<ProcessEnding<R>> {
    const { stdout, stderr } = this.child
    // `close` follows `exit` once the pipes have been read to their end, which a child of the process may keep open.
    const closed = new Promise<ProcessDeath>((resolve) => {
      let ended: Pick<ProcessDeath, 'code' | 'signal'> = { code: null, signal: null }
      const finish = () => {
        resolve({ ...ended, stderr: this.stderr, fault: this.fault })
        stdout?.destroy()
        stderr?.destroy()
      }
      this.child.once('exit', (code, signal) => {
        ended = { code, signal }
        const grace = setTimeout(finish, LAST_OUTPUT_MS)
        this.child.once('close', () => {
          clearTimeout(grace)
          finish()
        })
      })
    })
    const ending = await Promise.race([
      result.then(
        (value): ProcessEnding<R> => ({ kind: 'result', result: value }),
        // A dead child rejects the job as well: what matters then is how it died.
        (error: unknown): ProcessEnding<R> | Promise<ProcessEnding<R>> =>
          this.child.exitCode === null && this.child.signalCode === null
            ? { kind: 'error', error }
            : closed.then((death) => ({ kind: 'death', death })),
      ),
      closed.then((death): ProcessEnding<R> => ({ kind: 'death', death })),
    ])
    const destroyed = this.pool.destroy()
    this.kill()
    await Promise.all([destroyed, closed])
    return ending
  }
}

/**
 * Node reads JSON from the channel and throws out of the event loop where there is none: anything that a workload
 * writes to that file descriptor would end the coordinator.
 */
function guardChannel(child: ChildProcess, onFault: () => void): void {
  const key = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle')
  const handle =
    key && (child as unknown as Record<symbol, { onread?: (...read: unknown[]) => unknown }>)[key]
  const { onread } = handle ?? {}
  if (handle === undefined || onread === undefined) return
  handle.onread = function (...read) {
    try {
      return onread.apply(this, read)
    } catch {
      onFault()
    }
  }
}

/** The child that the pool has just started for its only task. */
function childOf(pool: Tinypool): ChildProcess {
  const worker = pool.threads[0] as unknown as { process: ChildProcess } | undefined
  if (worker === undefined) throw new Error('tinypool started no process')
  return worker.process
}
