/** The coordinator's end of the supervisor process. */
import { type ChildProcess, fork } from 'node:child_process'
import type {
  Capabilities,
  ComputeCapInForce,
  MemoryCapInForce,
  SupervisorReply,
  SupervisorRequest,
  TimeWindow,
  WatchSummary,
} from '../../../workers/protocol/supervisor.ts'
import type { ComputeMechanism } from '../../../workers/protocol/trial-result.ts'
import type { MemoryScope } from '../../../workers/protocol/trial-spec.ts'
import { CLEARS_VARIABLE } from '../../ownership/leftovers.ts'
import { entryFile } from './entries.ts'
import { workerEnvironment } from './environment.ts'
import { endStuckStart, metTaskLimit, taskLimitError } from './task-limit.ts'

type Answer = Exclude<SupervisorReply, { op: 'ready' }>

interface Waiting {
  resolve(answer: Answer): void
  reject(error: Error): void
}

export interface Watch {
  timeoutMs: number | null
  /** Folder for temporary files that only this process and what it starts have. */
  temporary: string | null
  /** Its memory is capped before any code of a workload runs. */
  startsEmpty: boolean
  capsMemory: boolean
  capsCompute: boolean
}

/** What it says to the user begins so; all else is the last words of a process that could not start. */
const SAYS = /^stint: /
const LAST_WORDS_KEPT = 8192
/** What a process wrote last is read within this after its end. */
const LAST_WORDS_MS = 100

export class Supervisor {
  /** Resolves once the supervisor has tried what this machine permits. */
  readonly capabilities: Promise<Capabilities>
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, Waiting>()
  private nextId = 1
  private gone = false
  private ready = false
  private closing = false
  private lastWords = ''
  /** Rejects with the reason once the process has ended. */
  private readonly failure: Promise<never>

  /**
   * @param mechanism the only compute mechanism to try; null for the best that works
   * @param temporary folder to remove where this process cannot do it any more
   */
  constructor(mechanism: ComputeMechanism | null, temporary: string) {
    this.child = fork(entryFile('supervisor'), [temporary], {
      // A group of its own: a terminal's Ctrl-C must not reach it.
      detached: true,
      execArgv: [],
      env: workerEnvironment({
        [CLEARS_VARIABLE]: '1',
        ...(mechanism !== null && { STINT_COMPUTE_MECHANISM: mechanism }),
      }),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.hear()
    endStuckStart(this.child)
    this.failure = new Promise((_, reject) => {
      this.child.once('exit', (code, signal) => {
        const fail = () => reject(this.reasonOfEnd(code, signal))
        if (this.closing) fail()
        else setTimeout(fail, LAST_WORDS_MS)
      })
      this.child.once('error', () => reject(taskLimitError()))
    })
    this.failure.catch((error: Error) => {
      for (const { reject } of this.waiting.values()) reject(error)
      this.waiting.clear()
    })
    this.capabilities = new Promise((resolve, reject) => {
      this.child.on('message', (message) => {
        const reply = message as SupervisorReply
        if (reply.op === 'ready') {
          this.ready = true
          resolve(reply.capabilities)
        } else this.answer(reply)
      })
      this.failure.catch(reject)
    })
    this.capabilities.catch(() => {})
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.gone = true
        resolve()
      }
      this.child.once('exit', end)
      this.child.once('error', end)
    })
  }

  /** From now on the trial process ends with the coordinator, and at its deadline. Takes effect before any later request. */
  watch(pid: number, { timeoutMs, temporary, startsEmpty, capsMemory, capsCompute }: Watch): void {
    this.send({
      op: 'watch',
      pid,
      timeout_ms: timeoutMs,
      temporary,
      starts_empty: startsEmpty,
      caps_memory: capsMemory,
      caps_compute: capsCompute,
    })
  }

  /** A process that was watched without a deadline runs its trial from now on. */
  assign(pid: number, timeoutMs: number): void {
    this.send({ op: 'assign', pid, timeout_ms: timeoutMs })
  }

  async capMemory(pid: number, capMb: number | null, scope: MemoryScope): Promise<MemoryCapInForce> {
    const answer = await this.ask((id) => ({ op: 'cap_memory', id, pid, cap_mb: capMb, scope }))
    if (answer.op !== 'memory_capped') throw new Error(`the supervisor answered ${answer.op}`)
    return answer
  }

  async capCompute(pid: number, units: number | null, core: number | null): Promise<ComputeCapInForce> {
    const answer = await this.ask((id) => ({ op: 'cap_compute', id, pid, units, core }))
    if (answer.op !== 'compute_capped') throw new Error(`the supervisor answered ${answer.op}`)
    return answer
  }

  begin(pid: number): void {
    this.send({ op: 'begin', pid })
  }

  release(pid: number): void {
    this.send({ op: 'release', pid })
  }

  /** The trial process has ended: what the supervisor saw, and all it held for the trial process cleared. */
  async unwatch(pid: number, window: TimeWindow | null): Promise<WatchSummary> {
    const answer = await this.ask((id) => ({ op: 'unwatch', id, pid, window }))
    if (answer.op !== 'summary') throw new Error(`the supervisor answered ${answer.op}`)
    return answer.summary
  }

  /** Closes the pipe, upon which the supervisor kills what it still watches, clears up and leaves. */
  async close(): Promise<void> {
    this.closing = true
    if (this.child.connected) this.child.disconnect()
    await this.ended
  }

  /** Its own messages are shown as they come, what Node says of it only where it ended of that. */
  private hear(): void {
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (SAYS.test(text)) process.stderr.write(text)
      else this.lastWords = (this.lastWords + text).slice(0, LAST_WORDS_KEPT)
    })
  }

  private reasonOfEnd(code: number | null, signal: NodeJS.Signals | null): Error {
    if (metTaskLimit(this.lastWords, !this.ready)) return taskLimitError()
    const words = this.lastWords.trim()
    return new Error(
      `the supervisor process ended (${signal ?? `exit code ${code}`})${words === '' ? '' : `: ${words}`}`,
    )
  }

  private ask(request: (id: number) => SupervisorRequest): Promise<Answer> {
    if (this.gone) return this.failure
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.send(request(id))
    })
  }

  private answer(reply: Answer): void {
    this.waiting.get(reply.id)?.resolve(reply)
    this.waiting.delete(reply.id)
  }

  private send(request: SupervisorRequest): void {
    // A request that cannot be delivered is answered by the end of the process.
    if (this.child.connected) this.child.send(request, () => {})
  }
}
