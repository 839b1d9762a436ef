/**
 * What a fleet is asked for and says, as programs see it. Imports nothing of NATS, whose types a program need not
 * compile.
 */
import type { Capabilities } from '../../../workers/protocol/supervisor.ts'
import type { FleetMachine } from '../../record/types.ts'
import type { RelativeTo } from '../../sweep/types.ts'
import type { DuetExecutor, Executor } from '../executor.ts'

export interface ServerOptions {
  /** Such as `nats://host:4222` or `tls://host:4222`. */
  server: string
  /** A creds file, or a file with an nkey's seed; as the environment says where none is given. */
  creds?: string
  /** Certificate of the authority that signed the server's, PEM; as the environment says where none is given. */
  tlsCa?: string
}

export interface FleetOptions extends ServerOptions {
  /** The label for scenarios that name no machine; null where all do. */
  on: string | null
  /** All that scenarios name. */
  machines: readonly string[]
  /** The profile whose core is the unit of compute; each agent scales it to its own. */
  relativeTo?: RelativeTo | null
  /** Everything goes to one agent of the label, as a gate needs it. */
  oneAgent?: boolean
  onOutput?(text: string): void
  /** Reads data and asks workloads, here; processes of this machine where none is given. */
  local?: Pick<Executor, 'prepare' | 'close'>
}

export interface AgentOptions extends ServerOptions {
  labels: readonly string[]
  /** Made of the machine's name, labels and limits where none is given: the same when the agent starts again. */
  name?: string
  /** Rounds at the same time; 1 where none is given. */
  slots?: number
  maxMemoryMb?: number
  maxCores?: number
  /** `none`, `any`, or a file with a hash per line; none where nothing is said. */
  allowWorkloads?: string
  /** Environment variables that sweeps may have handed over to their trials; none where nothing is said. */
  allowEnv?: readonly string[]
  /** What is kept on disk; `stint/agent` in the user's cache where none is given. */
  folder?: string
  signal: AbortSignal
  onNote(text: string): void
  /** Starts what runs the trials of one slot. */
  startExecutor(): DuetExecutor
}

/** What an agent says of itself, now and then. */
export interface AgentRecord extends FleetMachine {
  /** Of this process. */
  process: string
  /**
   * Where that is: the machine's name, the id of the process there, the system's id of its boot, `0` for none, and what
   * tells its hardware from another's.
   */
  at: { host: string; pid: number; boot: string; hardware: string | null }
  /** The server's number of its first record since it has a link; null in that itself. */
  first: number | null
  slots: number
  can: Capabilities
  /** What it is doing. */
  busy: { run: string; key: string; now: string }[]
  /** Why it gives back what it gets, such as a full disk; null where it does not. */
  trouble: string | null
  since: string
}

export interface ListedAgent extends AgentRecord {
  /** Who has the same name on another machine, in words; null for nobody. */
  namesake: string | null
}
