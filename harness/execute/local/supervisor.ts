/** The coordinator's end of the supervisor process. */
import { type ChildProcess, fork } from 'node:child_process'
import type {
  Capabilities,
  ComputeCapInForce,
  ComputeMechanism,
  MemoryCapInForce,
  MemoryScope,
  SupervisorReply,
  SupervisorRequest,
  TimeWindow,
  WatchSummary,
} from '../../../workers/protocol.ts'
import { entryFile, workerEnvironment } from './entries.ts'

type Answer = Exclude<SupervisorReply, { op: 'ready' }>

interface Waiting {
  resolve(answer: Answer): void
  reject(error: Error): void
}

export interface Watch {
  timeoutMs: number | null
  /** Folder to remove where this process cannot do it any more. */
  temporary: string | null
  capsMemory: boolean
  capsCompute: boolean
}

export class Supervisor {
  /** Resolves once the supervisor has tried what this machine permits. */
  readonly capabilities: Promise<Capabilities>
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, Waiting>()
  private nextId = 1
  private gone = false

  /** @param mechanism the only compute mechanism to try; null for the best that works */
  constructor(mechanism: ComputeMechanism | null) {
    this.child = fork(entryFile('supervisor'), [], {
      // A group of its own: a terminal's Ctrl-C must not reach it.
      detached: true,
      execArgv: [],
      env: workerEnvironment(mechanism === null ? {} : { STINT_COMPUTE_MECHANISM: mechanism }),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.capabilities = new Promise((resolve, reject) => {
      this.child.on('message', (message) => {
        const reply = message as SupervisorReply
        if (reply.op === 'ready') resolve(reply.capabilities)
        else this.answer(reply)
      })
      this.child.once('exit', () => reject(new Error('the supervisor process ended unexpectedly')))
      this.child.once('error', reject)
    })
    this.capabilities.catch(() => {})
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.gone = true
        for (const { reject } of this.waiting.values()) reject(new Error('the supervisor process ended'))
        this.waiting.clear()
        resolve()
      }
      this.child.once('exit', end)
      this.child.once('error', end)
    })
  }

  /** From now on the trial process ends with the coordinator, and at its deadline. Takes effect before any later request. */
  watch(pid: number, { timeoutMs, temporary, capsMemory, capsCompute }: Watch): void {
    this.send({
      op: 'watch',
      pid,
      timeout_ms: timeoutMs,
      temporary,
      caps_memory: capsMemory,
      caps_compute: capsCompute,
    })
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
    if (this.child.connected) this.child.disconnect()
    await this.ended
  }

  private ask(request: (id: number) => SupervisorRequest): Promise<Answer> {
    if (this.gone) return Promise.reject(new Error('the supervisor process ended'))
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
