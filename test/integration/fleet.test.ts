/** The same sweep here and on other machines, by the command line, with real trials. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRun } from '../../harness/record/open-run.ts'
import { type BrokerServer, isInstalled, startNats } from '../fixtures/brokers.ts'
import { type CliRun, MAIN, Sandbox, trialsOf } from '../fixtures/cli.ts'
import { loadedFiles } from '../fixtures/loaded-files.ts'

const missing = isInstalled('nats-server') ? '' : ': no nats-server'

/** How far the clock of one machine is off. */
const AHEAD_MS = 3_600_000

const SWEEP = {
  name: 'swept',
  dataset: { generate: 'nba2k', rows: 300, seed: 7 },
  params: { learner: 'ridge' },
  chunk_size: 100,
  benchmark_runs: 1,
  warmup_chunks: 0,
}

let sandbox: Sandbox
/** A run on this machine, and the files that it loaded. */
let here: { run: string; files: string[] }
beforeAll(() => {
  sandbox = new Sandbox()
  const sweep = sandbox.write('here.yaml', JSON.stringify(SWEEP))
  const words = ['run', sweep, '--out', sandbox.results, '--quiet', '--export', 'json']
  const files = loadedFiles([MAIN, ...words])
  here = { run: sandbox.runs()[0]!, files }
})
afterAll(() => sandbox.remove())

it('a run on this machine loads nothing that talks to a broker', () => {
  const { run, files } = here
  expect(files).toContain(MAIN)
  expect(trialsOf(run)).toMatchObject([{ outcome: 'ok' }])
  expect(files.filter((path) => /nats|mqtt|shared-(?:connection|messages|bundle)/.test(path))).toEqual([])
})

describe.skipIf(missing !== '')(`a fleet${missing}`, () => {
  let server: BrokerServer
  let cache: string
  const agents: CliRun[] = []
  const agent = (labels: string, more: string[], env: Record<string, string> = {}) => {
    const words = [
      'agent',
      '--server',
      server.url,
      '--labels',
      labels,
      '--cache',
      join(cache, labels),
      ...more,
    ]
    agents.push(sandbox.start(words, env))
  }

  beforeAll(async () => {
    server = await startNats()
    cache = mkdtempSync(join(tmpdir(), 'fleet-cache-'))
    agent('pi', ['--max-memory-mb', '200', '--name', 'the-pi'])
    const shift = sandbox.write(
      'shift.mjs',
      `const Right = Date
      globalThis.Date = class extends Right {
        constructor(...given) { given.length === 0 ? super(Right.now() + ${AHEAD_MS}) : super(...given) }
        static now() { return Right.now() + ${AHEAD_MS} }
      }`,
    )
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(shift)}` }
    agent('server', ['--allow-workloads', 'any', '--name', 'the-server'], env)
  })
  afterAll(async () => {
    for (const { child } of agents) child.kill('SIGTERM')
    await Promise.all(agents.map(({ end }) => end))
    rmSync(cache, { recursive: true, force: true })
    await server.remove()
  })
  const fleet = () => ['--server', server.url]
  const newest = () => sandbox.runs().at(-1)!

  it('gives the bits of this machine on each, says which ran what, and how they differ', {
    timeout: 180_000,
  }, async () => {
    const there = sandbox.write('there.yaml', JSON.stringify({ ...SWEEP, machines: ['pi', 'server'] }))
    const out = ['--out', sandbox.results]
    const quality = (run: string) =>
      trialsOf(run).map((trial) =>
        trial.outcome === 'ok' ? [trial.metrics['r2'], trial.metrics['rmse']] : null,
      )
    const [expected] = quality(here.run)
    const { code, stderr } = await sandbox.stint('run', there, ...fleet(), ...out)
    expect(code).toBe(0)
    expect(quality(newest())).toEqual([expected, expected])
    const { manifest } = openRun(newest())
    const machineOf = new Map(manifest.sweep.scenarios.map(({ id, point }) => [id, point['machine']]))
    for (const { scenario, machine, caps } of trialsOf(newest())) {
      expect(machine).toBe(`the-${machineOf.get(scenario)}`)
      // The agent's own limit, where the sweep asks for none.
      expect(caps.memory.asked_mb).toBe(machine === 'the-pi' ? 200 : null)
    }
    expect(manifest.fleet?.machines.map(({ name }) => name)).toEqual(['the-pi', 'the-server'])
    const clocks = manifest.fleet!.machines.map(({ clock }) => clock!)
    for (const { error_ms } of clocks) expect(error_ms).toBeLessThan(10_000)
    // As known to be wrong as the measurement says.
    const [right, ahead] = clocks as [(typeof clocks)[0], (typeof clocks)[0]]
    expect(Math.abs(right.offset_ms)).toBeLessThan(right.error_ms + 50)
    expect(Math.abs(ahead.offset_ms - AHEAD_MS)).toBeLessThan(ahead.error_ms + 50)
    expect(stderr).toMatch(/the-server .* \+(?:3,600,0|3,599,9)\d\d ± [\d.,]+ ms/)
    expect(stderr.replace(/\s+/g, ' ')).toContain(
      "The clock of the-server is 1 h ahead of the server's. It dates its trials",
    )
    const began = new Map(
      trialsOf(newest()).map(({ machine, started_at }) => [machine, Date.parse(started_at)]),
    )
    expect(Math.abs(began.get('the-server')! - began.get('the-pi')! - AHEAD_MS)).toBeLessThan(AHEAD_MS / 2)
    expect(stderr).toMatch(/server takes [\d.]+× the/)
    expect(stderr).toContain('the-server and the-pi report the same processor, memory, system and Node.')
    expect(readdirSync(join(newest(), 'chunks'))).toHaveLength(2)
    // No path of the coordinator's.
    expect(readFileSync(join(newest(), 'trials.jsonl'), 'utf8')).not.toContain(sandbox.folder)
  })

  it('sends a workload with its files, and runs it only where it is allowed', async () => {
    mkdirSync(join(sandbox.folder, 'node_modules'))
    const stint = fileURLToPath(new URL('../../', import.meta.url))
    symlinkSync(stint, join(sandbox.folder, 'node_modules', 'stint'))
    sandbox.write('part.mjs', 'export const three = 3\n')
    sandbox.write(
      'own.mjs',
      `import { defineWorkload } from 'stint/workload'
      import { three } from './part.mjs'
      export default defineWorkload({
        open: () => { let left = three; return {
          step: () => left-- > 0 ? { rows: 1 } : null, finish: () => ({ metrics: { three } }) } },
      })`,
    )
    const sweep = sandbox.write(
      'own.yaml',
      'name: swept\nworkload: own.mjs\nbenchmark_runs: 1\nwarmup_chunks: 0\n',
    )
    const words = ['run', sweep, ...fleet(), '--out', sandbox.results, '--quiet']
    expect(await sandbox.stint(...words, '--on', 'server')).toMatchObject({ code: 0 })
    expect(trialsOf(newest())).toMatchObject([
      { outcome: 'ok', metrics: { three: 3 }, machine: 'the-server' },
    ])
    const refused = await sandbox.stint(...words, '--on', 'pi')
    expect(refused.stderr).toMatch(
      /agent the-pi refuses r001-pi: it does not run the workload own\.mjs \(sha256 [0-9a-f]{64}\)/,
    )
    expect(refused.code).toBe(4)
  })

  it('refuses a cap beyond that of the agent, and a file', async () => {
    const over = sandbox.write('over.yaml', JSON.stringify({ ...SWEEP, max_memory_mb: 300 }))
    const words = [...fleet(), '--on', 'pi', '--out', sandbox.results, '--quiet']
    const { stderr } = await sandbox.stint('run', over, ...words)
    expect(stderr).toContain("max_memory_mb 300 is more than this agent's 200")
    const params = { learner: 'ridge', features_to: '{trial}.csv' }
    const file = sandbox.write('file.yaml', JSON.stringify({ ...SWEEP, params }))
    const second = await sandbox.stint('run', file, ...words)
    expect(second.stderr).toContain('params.features_to names a file')
  })

  it('says what is missing: a label, a server, a machine', async () => {
    const machines = sandbox.write('machines.yaml', JSON.stringify({ ...SWEEP, machines: ['pi'] }))
    const { stderr, code } = await sandbox.stint('run', machines)
    expect(stderr).toMatch(/the sweep names machines \(pi\), and no server was named[\s\S]*--server/)
    expect(code).toBe(2)
  })

  it('holds a gate on an agent', async () => {
    const sweep = sandbox.sweep({ benchmark_runs: 1, params: { ms: 2 }, warmup_chunks: 0 })
    const sides = ['--set-baseline', 'params.word=a', '--set-candidate', 'params.word=b']
    const words = [
      'gate',
      sweep,
      ...sides,
      ...fleet(),
      '--on',
      'server',
      '--time-limit',
      '1s',
      '--margin',
      '900%',
    ]
    const { code, stdout, stderr } = await sandbox.stint(...words, '--json')
    expect(stderr).not.toContain('stint:')
    // Few duets fit into the time: what they say is for the gate's own tests.
    const { verdict, rows } = JSON.parse(stdout)
    expect([verdict, code]).toBeOneOf([
      ['ruled_out', 0],
      ['undecided', 3],
    ])
    expect(rows).not.toHaveLength(0)
  })
})
