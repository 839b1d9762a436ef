/** The CPU profile of this thread, by V8's own sampler. */
import { writeFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector/promises'

/** Half of V8's default: trials are short, us. */
const SAMPLED_EVERY_US = 500

export class CpuProfiler {
  private readonly session: Session

  private constructor(session: Session) {
    this.session = session
  }

  static async start(): Promise<CpuProfiler> {
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLED_EVERY_US })
    await session.post('Profiler.start')
    return new CpuProfiler(session)
  }

  /** Writes it in the form that browsers and editors open. */
  async stop(path: string): Promise<void> {
    const { profile } = (await this.session.post('Profiler.stop')) as Profiler.StopReturnType
    this.session.disconnect()
    writeFileSync(path, JSON.stringify(profile))
  }
}
