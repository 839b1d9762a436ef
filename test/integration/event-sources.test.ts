/** The same rows from a file, a NATS stream and an MQTT topic, through the public commands and real brokers: the same bits. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateDataset } from '../../workers/data/presets/generate.ts'
import { Random } from '../../workers/data/presets/random.ts'
import { lookAtStream } from '../../workers/data/sources/nats.ts'
import { checkDataset } from '../../workers/pipeline/check-dataset.ts'
import type { OkTrial } from '../../workers/protocol/trial-result.ts'
import { type BrokerServer, freePort, isInstalled, startMosquitto, startNats } from '../fixtures/brokers.ts'
import { type CliEnd, Sandbox, trialsOf } from '../fixtures/cli.ts'
import { loadedFiles } from '../fixtures/loaded-files.ts'
import { okOf } from '../fixtures/trials.ts'

const FULL = process.env['STINT_FULL'] === '1'
/** In the full form so many that a busy machine, which kills late, does not come to the end of them first. */
const ROWS = FULL ? 900 : 400
const QUALITY = ['r2', 'rmse', 'mae', 'r2_mean_baseline', 'r2_last_baseline']
const SETTINGS = {
  ...{ name: 'swept', workload: 'pipeline', batch_size: 16, benchmark_runs: 1, warmup_chunks: 1 },
  params: { learner: 'ridge' },
}
/** A process that plays a data set, with these settings. */
const TRIAL = fileURLToPath(new URL('../fixtures/stream-trial.mjs', import.meta.url))
const PLAYED = { mode: 'streaming', chunk_size: 10, batch_size: 16, random_seed: 1 }
const missing = (program: string) => (isInstalled(program) ? '' : `: no ${program}`)

let box: Sandbox
let csv: string
beforeAll(async () => {
  box = new Sandbox()
  csv = join(box.folder, 'players.csv')
  await generateDataset({ preset: 'nba2k', rows: ROWS, seed: 8 }, csv)
})
afterAll(() => box.remove())

const quality = ({ metrics }: OkTrial) => QUALITY.map((name) => metrics[name])
let known: unknown[] | undefined
/** Of the file, whatever its chunk size, by a run of its own only where no test had it in its sweep. */
const ofFile = async () => {
  known ??= quality(Object.values((await ran(run({ dataset: { source: 'players.csv' } }))).scenarios)[0]!)
  return known
}

interface Ran extends CliEnd {
  scenarios: Record<string, OkTrial>
  manifest: { datasets: { path: string; stored_in?: string; fingerprint: { sha256: string } }[] }
  text: string
}

/** @returns the trials by the label of their scenario */
async function ran(end: Promise<CliEnd>): Promise<Ran> {
  const ended = await end
  expect(ended.code, ended.stderr).toBe(0)
  const run = box.runs().at(-1)!
  const text = readFileSync(join(run, 'run.json'), 'utf8')
  const manifest = JSON.parse(text)
  const trials = trialsOf(run).map(okOf)
  const entries = manifest.sweep.scenarios.map(({ id, label }: { id: string; label: string }) => [
    label,
    trials.find(({ scenario }) => scenario === id)!,
  ])
  return { ...ended, scenarios: Object.fromEntries(entries), manifest, text }
}

const run = (keys: Record<string, unknown>): Promise<CliEnd> => box.stint(...words(keys))
const words = (keys: Record<string, unknown>): string[] => {
  box.write('sweep.yaml', JSON.stringify({ ...SETTINGS, ...keys }))
  return ['run', 'sweep.yaml', '--out', box.results, '--quiet']
}

describe.skipIf(!isInstalled('nats-server'))(`a stored NATS stream${missing('nats-server')}`, () => {
  let server: BrokerServer
  let published: CliEnd
  beforeAll(async () => {
    server = await startNats()
    const to = ['--to', `${server.url}/players.nba`]
    published = await box.stint('publish', 'players.csv', ...to, '--rate', '20000', '--json')
    const rows: Record<string, string>[] = parse(readFileSync(csv), { columns: true })
    box.write('players.ndjson', rows.map((row) => JSON.stringify(row)).join('\n'))
    const events = ['--to', `${server.url}/events`, '--rate', '20000', '--pattern', 'poisson']
    const { code, stderr } = await box.stint('publish', 'players.ndjson', ...events)
    expect(code, stderr).toBe(0)
  })
  afterAll(() => server.remove())

  it('is made by stint publish, which says how it kept to its schedule', () => {
    expect(published.code, published.stderr).toBe(0)
    const report = JSON.parse(published.stdout)
    expect(report).toMatchObject({ events: ROWS, acknowledged: ROWS + 1, reconnections: 0, out_of_order: 0 })
    expect(report.offered_rows_s).toBeCloseTo(20_000, 0)
    expect(report.lateness_ms.p99).toBeGreaterThanOrEqual(report.lateness_ms.p50)
  })

  it('of CSV or of JSON objects gives the bits of the file for every chunk size, and its fingerprint', async () => {
    const stream = `${server.url}/players.nba`
    const grid = { 'dataset.source': ['players.csv', stream], chunk_size: [7, 64] }
    const some = [
      { 'dataset.source': 'players.csv', chunk_size: 64 },
      { 'dataset.source': stream, chunk_size: 7 },
    ]
    const objects = { 'dataset.source': `${server.url}/events`, 'dataset.preset': 'nba2k', chunk_size: 7 }
    const keys = FULL ? { grid, include: [objects] } : { include: [...some, objects] }
    const { scenarios, manifest, text } = await ran(run(keys))
    const [expected, ...others] = Object.values(scenarios).map(quality)
    expect(others).toEqual(Array(FULL ? 4 : 2).fill(expected))
    for (const score of expected!) expect(Number.isFinite(score)).toBe(true)
    known = expected
    const [file, stored] = manifest.datasets
    expect(manifest.datasets.map(({ stored_in }) => stored_in)).toEqual([undefined, 'nats', 'nats'])
    const all = `from=1&to=${ROWS + 1}&messages=${ROWS + 1}`
    expect(stored!.path).toMatch(new RegExp(`/players\\.nba\\?${all}&made=\\d+$`))
    expect(stored!.fingerprint).toEqual(file!.fingerprint)
    expect(text).not.toMatch(/password|creds/i)
  })

  it('of JSON objects is a file to a workload of the user', async () => {
    const own = box.write(
      'own.mjs',
      `import { readFileSync } from 'node:fs'
export default {
  open({ dataset }) {
    let left = 1
    const lines = readFileSync(dataset.path, 'utf8').trimEnd().split('\\n').length
    return { step: () => (left-- > 0 ? { rows: lines } : null), finish: () => ({ metrics: { lines } }) }
  },
}\n`,
    )
    const dataset = { source: `${server.url}/events` }
    const sweep = { name: 'own', workload: own, dataset, benchmark_runs: 1 }
    const path = box.write('own.yaml', JSON.stringify(sweep))
    const ended = await box.stint('run', path, '--out', box.results, '--quiet')
    expect(ended.code, ended.stderr).toBe(0)
    const [trial] = trialsOf(box.runs('own')[0]!).map(okOf)
    expect(trial!.metrics['lines']).toBe(ROWS)
  })

  it('goes on from a checkpoint after SIGKILL as if nothing had happened', { timeout: 240_000 }, async () => {
    const { path } = await lookAtStream(`${server.url}/players.nba`)
    const asked = {
      path,
      preset: 'nba2k',
      target: null,
      columns: {},
      rows: null,
      fingerprint: null,
      ceiling_r2: null,
    }
    const { dataset } = await checkDataset(asked)
    const kills = FULL ? 20 : 1
    const random = new Random(5)
    const state = join(box.folder, 'state.json')
    const play = (
      params: Record<string, unknown>,
      killAt: number,
    ): Promise<Record<string, unknown> | null> => {
      const child = spawn(process.execPath, [TRIAL, JSON.stringify({ dataset, settings: PLAYED, params })])
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (Number(said.trimEnd().split('\n').at(-1)) >= killAt) child.kill('SIGKILL')
      })
      let errors = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        errors += text
      })
      return new Promise((resolve, reject) =>
        child.once('close', (code, signal) => {
          if (signal === 'SIGKILL') resolve(null)
          else if (code === 0) resolve(JSON.parse(said.trimEnd().split('\n').at(-1)!))
          else reject(new Error(errors))
        }),
      )
    }
    let killed = 0
    let resumedAt = 0
    let end: Record<string, unknown> | null = null
    while (end === null) {
      const resumes = existsSync(state)
      if (resumes) copyFileSync(state, `${state}.from`)
      const params = {
        ...{ learner: 'ridge', checkpoint_to: state, checkpoint_rows: 10 },
        ...(resumes && { resume_from: `${state}.from` }),
      }
      const after = 10 * (1 + ((random.bits() >>> 0) % 3))
      end = await play(params, killed < kills ? after : Number.POSITIVE_INFINITY)
      if (end === null) killed += 1
      else resumedAt = (end['info'] as Record<string, number>)['resumed_at_row']!
    }
    expect(killed).toBe(kills)
    expect(resumedAt).toBeGreaterThan(0)
    const { metrics } = end as { metrics: Record<string, unknown> }
    expect(QUALITY.map((name) => metrics[name])).toEqual(await ofFile())
  })

  it('is what loads a client in a trial, which one without it never does', async () => {
    const loaded = async (path: string) => {
      const asked = {
        preset: 'nba2k',
        target: null,
        columns: {},
        rows: null,
        fingerprint: null,
        ceiling_r2: null,
      }
      const { dataset } = await checkDataset({ path, ...asked })
      const words = [TRIAL, JSON.stringify({ dataset, settings: PLAYED, params: { learner: 'ridge' } })]
      return loadedFiles(words).filter((file) => /@nats-io|\/mqtt\//.test(file))
    }
    // As the tests of a fleet see of a whole run.
    if (FULL) expect(await loaded(csv)).toEqual([])
    const { path } = await lookAtStream(`${server.url}/players.nba`)
    expect(await loaded(path)).not.toEqual([])
  })

  it('that is not there is refused before any trial, and so is one that has no such subject', async () => {
    const { code, stderr } = await run({ dataset: { source: `${server.url}/none.nba` } })
    expect(stderr).toMatch(/there is no stream "none"/)
    expect(code).toBe(2)
    // What the run looks at first, as it does at the other.
    await expect(lookAtStream(`${server.url}/players.other`)).rejects.toThrow(
      /stream players takes no messages of subject "other"/,
    )
  })
})

describe.skipIf(!isInstalled('mosquitto'))(`an MQTT topic${missing('mosquitto')}`, () => {
  let server: BrokerServer
  beforeAll(async () => {
    server = await startMosquitto()
  })
  afterAll(() => server.remove())

  it.each(FULL ? ([1, 0] as const) : ([1] as const))(
    'at QoS %s is written down once, and gives the bits of the file',
    async (qos) => {
      const source = `${server.url}/players/${qos}`
      const dataset = { preset: 'nba2k' }
      const include = [
        { 'dataset.source': source, 'dataset.qos': qos },
        { 'dataset.source': source, 'dataset.qos': qos, 'params.window': 50 },
      ]
      const expected = await ofFile()
      const { end } = box.start(words({ dataset, include }))
      await subscribed(server, `players/${qos}`)
      const to = ['--to', source, '--rate', '5000', '--qos', `${qos}`, '--json']
      const published = await box.stint('publish', 'players.csv', ...to)
      expect(published.code, published.stderr).toBe(0)
      expect(JSON.parse(published.stdout).acknowledged).toBe(qos === 0 ? null : ROWS + 1)
      const { manifest, scenarios, stderr } = await ran(end)
      expect(manifest.datasets).toHaveLength(1)
      const sha256 = createHash('sha256').update(readFileSync(csv)).digest('hex')
      expect(manifest.datasets[0]!.fingerprint).toMatchObject({ sha256 })
      expect(Object.values(scenarios).map(quality)).toEqual([expected, expected])
      expect(JSON.stringify([stderr, manifest])).toMatch(
        new RegExp(
          `${ROWS + 1} messages at QoS ${qos}, 0 lost, 0 duplicates left out; the publisher announced the end`,
        ),
      )
    },
  )

  it('that stays silent is an error in so many words', async () => {
    const { code, stderr } = await run({ dataset: { source: `${server.url}/quiet`, wait_s: 0.2 } })
    expect(stderr).toMatch(/quiet: no event came within 0\.2 s/)
    expect(code).toBe(2)
  })
})

const both = ['nats-server', 'mosquitto'].every(isInstalled)
describe.skipIf(!both)(`events of a realtime trial${both ? '' : ': no nats-server or no mosquitto'}`, () => {
  let servers: BrokerServer[] = []
  beforeAll(async () => {
    servers = await Promise.all([startNats(), startMosquitto()])
  })
  afterAll(() => Promise.all(servers.map((server) => server.remove())))

  it('come through a broker with the same bits, as each trial says; without a broker it fails in so many words', async () => {
    const ways = servers.map(({ url }) => url)
    const dead = `nats://127.0.0.1:${await freePort()}`
    const expected = await ofFile()
    const { code } = await run({
      ...{ mode: 'realtime', chunk_size: 32, dataset: { source: 'players.csv' } },
      arrival: { rate: 1000, pattern: 'poisson' },
      grid: { 'arrival.through': [...ways, dead] },
    })
    expect(code).toBe(4)
    const all = trialsOf(box.runs().at(-1)!)
    const [failed, ...others] = all.filter(({ outcome }) => outcome !== 'ok')
    expect(others).toEqual([])
    expect(failed).toMatchObject({ outcome: 'failed', error: { name: 'BrokerError' } })
    expect(JSON.stringify(failed)).toContain(`${dead} does not answer: `)
    const trials = all.filter((trial) => trial !== failed).map(okOf)
    const said = trials.map(({ info }) => String(info['events_through']))
    expect(said.sort()).toEqual(ways.sort())
    expect(trials.map(quality)).toEqual([expected, expected])
    for (const { metrics } of trials) {
      expect(metrics['answered_share']).toBe(1)
      expect(metrics['rows']).toBe(ROWS)
      expect(metrics['event_latency_p99_ms']).toBeGreaterThan(0)
    }
  })
})

describe('a sweep', () => {
  it.each([
    [{ source: 'players.csv' }, /arrival\.through.*the URL has credentials/, 'nats://me:secret@host'],
    [
      { source: 'nats://me:secret@host/s.t' },
      /dataset\.source.*nats:\/\/host\/s\.t: the URL has credentials/,
    ],
    [{ source: 'mqtt://host' }, /dataset\.source.*names no topic/],
    [{ source: 'players.csv', qos: 1 }, /dataset\.qos.*only goes with a source of MQTT/],
  ] as [object, RegExp, string?][])(
    'with %j is refused before any trial',
    async (dataset, message, through?: string) => {
      const keys = through === undefined ? {} : { mode: 'realtime', arrival: { rate: 10, through } }
      const { code, stderr } = await run({ dataset, ...keys })
      expect(stderr).toMatch(message)
      expect(stderr).not.toMatch(/secret/)
      expect(code).toBe(2)
    },
  )
})

/** Waits until somebody listens to a topic: a broker tells of nobody, so a retained word on another one is not enough. */
async function subscribed(server: BrokerServer, topic: string): Promise<void> {
  await box.until(() => server.said().includes(`\t${topic} (QoS `), `a subscription to ${topic}`)
}
