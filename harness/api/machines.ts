/** What this machine can do, and the machines at a server. */
import type { Doctor } from '../doctor/doctor.ts'
import type { AgentOptions as AgentWork, ListedAgent, ServerOptions } from '../execute/fleet/options.ts'
import type { Listener } from '../session/events.ts'
import type { Profile } from '../sweep/profiles.ts'
import { type ExecuteOptions, interruptible, never, withExecutor } from './execution.ts'
import type { WithReport } from './reports.ts'

export interface DoctorOptions extends ExecuteOptions {
  /** Trials on each side of a comparison of equal code, which shows the noise; none where none is given. */
  runs?: number
  /** What is being done, in words. */
  onStep?(text: string): void
}

/**
 * What this machine can enforce and measure, each tried for real, and how noisy it is.
 * @throws the reason of `signal` once that is aborted
 */
export async function doctor(options: DoctorOptions = {}): Promise<Doctor & WithReport> {
  const { signal = never(), runs = 0, onStep = () => {} } = options
  const [{ examine }, { doctorReport }] = await Promise.all([
    import('../doctor/doctor.ts'),
    import('../report/sections/doctor.ts'),
  ])
  const found = await interruptible(signal, () =>
    withExecutor(options, (start) => examine(start(), { runs, onStep })),
  )
  return { ...found, report: doctorReport(found) }
}

export interface ShippedProfiles extends WithReport {
  profiles: Profile[]
}

/** The hardware profiles that ship, sorted by name. */
export async function profiles(): Promise<ShippedProfiles> {
  const [{ listProfiles }, { profilesReport }] = await Promise.all([
    import('../sweep/profiles.ts'),
    import('../report/sections/profiles.ts'),
  ])
  const listed = listProfiles()
  return { profiles: listed, report: profilesReport(listed) }
}

export interface AgentOptions extends Omit<AgentWork, 'startExecutor' | 'signal' | 'onNote'> {
  /** Ends it: what it had begun goes to another agent. */
  signal?: AbortSignal
  onNote?(text: string): void
  /** All that trials and workloads print; dropped where it is absent. */
  onOutput?(text: string): void
}

/**
 * Runs trials for coordinators elsewhere, until `signal` is aborted.
 * @throws {UserError} where the options cannot be used or the server cannot be reached
 */
export async function agent({ onOutput, ...options }: AgentOptions): Promise<void> {
  const [{ runAgent }, { LocalExecutor }] = await Promise.all([
    import('../execute/fleet/agent.ts'),
    import('../execute/local/executor.ts'),
  ])
  const startExecutor = () =>
    new LocalExecutor({ credentials: false, ...(onOutput !== undefined && { onOutput }) })
  await runAgent({ signal: never(), onNote: () => {}, ...options, startExecutor })
}

/**
 * The agents at a server, as they say themselves.
 * @throws {UserError} where the server cannot be reached
 */
export async function agents(server: ServerOptions): Promise<ListedAgent[]> {
  return await (await import('../execute/fleet/watch.ts')).listAgents(server)
}

export interface WatchOptions extends ServerOptions {
  onEvent: Listener
  signal?: AbortSignal
}

/**
 * Follows a run from any machine, until it ends.
 * @param run its folder, or the folder's name
 * @throws {UserError} where the server knows no such run
 */
export async function watch(
  run: string,
  options: WatchOptions,
): Promise<'finished' | 'interrupted' | 'stopped'> {
  return await (await import('../execute/fleet/watch.ts')).watchRun(run, { signal: never(), ...options })
}
