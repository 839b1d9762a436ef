/** A workload that is another program, in any language. */
import type { CommandSource } from '../protocol/trial-spec.ts'
import { threadMs } from '../telemetry/clock.ts'
import { WorkloadError } from '../untrusted.ts'
import type {
  Offer,
  OpenWorkload,
  StepReport,
  TrialContext,
  TrialOutput,
  Workload,
  WorkloadInfo,
} from '../workload.ts'
import { Program, type Reply } from './program.ts'

/** Requests that do nothing, to measure how long one takes. */
const ROUND_TRIPS = 25

export interface CommandWorkload extends Workload {
  /** Median time of a request that the program has nothing to do for, before any step is timed, ms. */
  readonly roundTripMs: number
  /** Ends the program. */
  end(): Promise<void>
}

/**
 * Starts the program, asks it what it is, and measures a request's round trip. It stays the same program for the warm-up
 * and for the measured instance.
 * @param log path of the file that takes its standard error; null for none
 * @throws {WorkloadError} where it cannot be started or breaks the protocol
 */
export async function startCommand(
  { command, folder }: CommandSource,
  log: string | null,
): Promise<CommandWorkload> {
  const program = new Program(command, folder, log)
  try {
    const description = await program.ask('describe')
    const times: number[] = []
    for (let i = 0; i < ROUND_TRIPS; i++) {
      const asked = threadMs()
      await program.ask('describe')
      times.push(threadMs() - asked)
    }
    times.sort((a, b) => a - b)
    return {
      ...(Object.keys(description).length > 0 && { describe: () => described(description) }),
      open: (context) => openProgram(program, context),
      roundTripMs: times[ROUND_TRIPS >> 1]!,
      end: () => program.end(),
    }
  } catch (error) {
    await program.end()
    throw error
  }
}

/** What is checked after it; a program may leave out what says no more than that anything is taken. */
function described(said: Reply): WorkloadInfo {
  return { params: null, metrics: {}, dataset: 'optional', ...said } as WorkloadInfo
}

async function openProgram(program: Program, context: TrialContext): Promise<OpenWorkload> {
  const { skip } = await program.ask('open', context)
  return new OpenProgram(program, skip === true)
}

class OpenProgram implements OpenWorkload {
  /** Only where the program says that it can. */
  readonly skip?: (rows: number) => Promise<number>
  private readonly program: Program

  constructor(program: Program, skips: boolean) {
    this.program = program
    if (skips) this.skip = async (rows) => skipped(await program.ask('skip', { rows }))
  }

  async step({ rows, train }: Offer): Promise<StepReport | null> {
    const reply = await this.program.ask('step', { rows, train })
    return reply['done'] === true ? null : (reply as unknown as StepReport)
  }

  async finish(): Promise<TrialOutput> {
    return (await this.program.ask('finish')) as unknown as TrialOutput
  }

  async close(): Promise<void> {
    await this.program.ask('close')
  }
}

function skipped({ rows }: Reply): number {
  if (typeof rows === 'number') return rows
  throw new WorkloadError('skip: expected { "rows": number }, the rows that were given up')
}
