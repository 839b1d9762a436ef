/** A run on other machines while agents, its coordinator and the server are killed again and again: nothing lost, nothing twice. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { randomStream } from '../../harness/random.ts'
import { type BrokerServer, isInstalled, startNats } from '../fixtures/brokers.ts'
import { type CliRun, checksumsOf, Sandbox, trialsOf } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'
const missing = !FULL
  ? ': takes minutes, with STINT_FULL=1'
  : isInstalled('nats-server')
    ? ''
    : ': no nats-server'
const KILLS = 20
const ROUNDS = 60
const AGENTS = 3
/** Another one every time; the name of the test says which. */
const SEED = Number(process.env['STINT_KILLS_SEED'] ?? Date.now() % 1e6)

describe.skipIf(missing !== '')(`a fleet${missing}`, () => {
  it(`has every trial once after ${KILLS} kills (seed ${SEED})`, {
    timeout: 1_800_000,
  }, async () => {
    const random = randomStream(SEED)
    const server = await startNats()
    const sandbox = new Sandbox()
    const cache = mkdtempSync(join(tmpdir(), 'fleet-kills-'))
    try {
      const world = new World(server, sandbox, cache)
      for (let n = 0; n < AGENTS; n++) world.startAgent(n)
      world.startRun()
      const kinds = ['agent', 'coordinator', 'server', 'agent'] as const
      for (let kill = 0; kill < KILLS; kill++) {
        // Spread over the run, however slow the machine is.
        await world.until(
          () => world.journalled() >= ((kill + 1) * world.planned) / (KILLS + 2),
          `kill ${kill + 1}`,
        )
        await sleep(random() * 500)
        // Each kind comes, then they come as they will.
        const kind = kinds[kill < 3 ? kill : Math.floor(random() * kinds.length)]!
        await world.kill(kind, random)
      }
      await world.finish()
      const trials = trialsOf(world.run())
      expect(trials).toHaveLength(world.planned)
      expect(new Set(trials.map(({ trial }) => trial)).size).toBe(world.planned)
      const blocks = new Set(trials.map(({ round, machine }) => `${round} ${machine}`))
      expect(blocks.size, 'a round is of one machine').toBe(ROUNDS)
      // Three deaths in one trial are rare, but may be.
      const lost = trials.filter(({ outcome }) => outcome !== 'ok')
      expect(lost.length).toBeLessThanOrEqual(world.killed.agent / 3)
      for (const trial of lost)
        expect(trial).toMatchObject({ outcome: 'crashed', error: { name: 'AgentLost' } })
      expect(new Set(Object.values(checksumsOf(world.run()))).size).toBe(2)
    } finally {
      sandbox.remove()
      rmSync(cache, { recursive: true, force: true })
      await server.remove()
    }
  })
})

type Kind = 'agent' | 'coordinator' | 'server'

class World {
  readonly planned = ROUNDS * 2
  readonly killed: Record<Kind, number> = { agent: 0, coordinator: 0, server: 0 }
  private readonly server: BrokerServer
  private readonly sandbox: Sandbox
  private readonly cache: string
  private readonly agents: CliRun[] = []
  private coordinator!: CliRun
  private said = ''

  constructor(server: BrokerServer, sandbox: Sandbox, cache: string) {
    this.server = server
    this.sandbox = sandbox
    this.cache = cache
  }

  startAgent(n: number): void {
    const words = ['agent', '--server', this.server.url, '--labels', 'pi', '--name', `agent${n}`]
    this.agents[n] = this.sandbox.start([
      ...words,
      ...['--allow-workloads', 'any', '--cache', join(this.cache, String(n))],
    ])
  }

  startRun(): void {
    const sweep = this.sandbox.sweep({
      benchmark_runs: ROUNDS,
      grid: { 'params.salt': [1, 2] },
      params: { ms: 100 },
      warmup_chunks: 0,
    })
    const words = ['run', sweep, '--on', 'pi', '--server', this.server.url, '--out', this.sandbox.results]
    this.follow(this.sandbox.start([...words, '--quiet']))
  }

  private follow(run: CliRun): void {
    this.coordinator = run
    run.child.stderr!.on('data', (text: string) => {
      this.said += text
    })
  }

  run(): string {
    return this.sandbox.runs()[0]!
  }

  journalled(): number {
    const run = this.run()
    try {
      return trialsOf(run).length
    } catch {
      return 0
    }
  }

  async kill(kind: Kind, random: () => number): Promise<void> {
    this.killed[kind]++
    if (kind === 'server') {
      await this.server.kill()
      await sleep(random() * 1500)
      await this.server.start()
    } else if (kind === 'agent') {
      const n = Math.floor(random() * AGENTS)
      this.agents[n]!.child.kill('SIGKILL')
      await sleep(random() * 500)
      this.startAgent(n)
    } else {
      this.coordinator.child.kill('SIGKILL')
      await this.coordinator.end
      await sleep(random() * 500)
      this.follow(this.sandbox.start(['resume', this.run(), '--server', this.server.url, '--quiet']))
    }
  }

  async finish(): Promise<void> {
    const { code } = await this.coordinator.end
    expect(code, this.said).toBeOneOf([0])
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    for (const from = performance.now(); !condition(); await sleep(20)) {
      const { exitCode } = this.coordinator.child
      if (exitCode !== null && !condition())
        throw new Error(`the coordinator ended with ${exitCode} before ${what}:\n${this.said}`)
      if (performance.now() - from > 120_000) throw new Error(`waited 120 s for ${what}:\n${this.said}`)
    }
  }
}
