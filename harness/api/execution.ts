/** What runs the trials of a call: processes of this machine, or agents at a server. */
import type { DuetExecutor, Executor } from '../execute/executor.ts'
import type { FleetOptions, ServerOptions } from '../execute/fleet/options.ts'
import type { Sweep } from '../sweep/types.ts'
import { userErrorFrom } from '../user-error.ts'

/** What may be handed to everything that runs trials. */
export interface ExecuteOptions {
  /** All that trials and workloads print; dropped where it is absent. */
  onOutput?(text: string): void
  /** Ends what runs. */
  signal?: AbortSignal
  /** Runs the trials; processes of this machine where none is given. It is not closed here. */
  executor?: Executor
  /** Runs the trials on other machines, by agents at a NATS server. */
  fleet?: FleetServer
}

export interface FleetServer extends ServerOptions {
  /** The label of the agents for scenarios that name no machine. */
  on?: string
}

export function never(): AbortSignal {
  return new AbortController().signal
}

/** What was interrupted fails in many ways, none of which is news. */
export async function interruptible<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted()
    return await work()
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}

/**
 * @param use gets a function that starts the executor: where nothing is to be run, none need start
 * @param sweep that may name machines
 * @param oneAgent everything goes to one agent of a fleet
 */
export async function withExecutor<T>(
  { executor, onOutput, signal, fleet }: ExecuteOptions,
  use: (start: () => DuetExecutor) => Promise<T>,
  sweep?: Sweep,
  oneAgent = false,
): Promise<T> {
  // Who brings an executor that plays no duets can run no gate: the types of the callers say so.
  if (executor !== undefined) return await use(() => executor as DuetExecutor)
  const scenarios = sweep?.scenarios ?? []
  const named = scenarios.flatMap(({ point }) => (point['machine'] == null ? [] : [String(point['machine'])]))
  const machines = [...new Set(named)]
  const make =
    fleet === undefined
      ? await localStart(machines, onOutput)
      : await fleetStart(fleet, {
          machines,
          relativeTo: sweep?.relative_to ?? null,
          oneAgent,
          ...(onOutput && { onOutput }),
        })
  const started: DuetExecutor[] = []
  const start = () => {
    const own = started[0] ?? make()
    started[0] = own
    if (signal?.aborted) void own.close()
    return own
  }
  const close = () => void started[0]?.close()
  signal?.addEventListener('abort', close, { once: true })
  try {
    return await use(start)
  } finally {
    signal?.removeEventListener('abort', close)
    await started[0]?.close()
  }
}

async function fleetStart(
  { on = null, ...server }: ServerOptions & { on?: string | null },
  more: Omit<FleetOptions, keyof ServerOptions | 'on'>,
): Promise<() => DuetExecutor> {
  const { FleetExecutor } = await import('../execute/fleet/executor.ts')
  return () => new FleetExecutor({ ...server, on, ...more })
}

async function localStart(
  machines: readonly string[],
  onOutput: ExecuteOptions['onOutput'],
): Promise<() => DuetExecutor> {
  if (machines.length > 0)
    throw userErrorFrom({
      message: `the sweep names machines (${machines.join(', ')}), and no server was named where their agents are`,
      hint: 'say --server nats://HOST:4222, or drop "machines"',
    })
  const { LocalExecutor } = await import('../execute/local/executor.ts')
  return () => new LocalExecutor(onOutput === undefined ? {} : { onOutput })
}
