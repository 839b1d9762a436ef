// Events per second through NATS and MQTT, client and parsing included, beside the same rows from a file:
// npm run build && node test/bench/sources.mjs [ROWS] [ROUNDS] [--write]
// With --write the tables go to docs/evidence/performance.md. The server runs beside on the other core: CPU seconds are those of the process that reads.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { openBytes } from '../../build/workers/data/csv/reader.js'
import { openNdjson } from '../../build/workers/data/ndjson.js'
import { generateDataset } from '../../build/workers/data/presets/generate.js'
import { presetOf } from '../../build/workers/data/presets/presets.js'
import { collectTopic } from '../../build/workers/data/sources/mqtt.js'
import { lookAtStream } from '../../build/workers/data/sources/nats.js'
import { openKernels } from '../../build/workers/kernels.js'
import { publish } from '../../build/workers/publish/publish.js'
import { rewriteBetween } from './markers.mjs'

const [, script, ...words] = process.argv
const [rowsWord = '200000', roundsWord = '5', part] = words.filter((word) => word !== '--write')
const ROWS = Number(rowsWord)
const ROUNDS = Number(roundsWord)
const { specs } = presetOf('nba2k')
const DOCUMENT = fileURLToPath(new URL('../../docs/evidence/performance.md', import.meta.url))

/** Reads all of a CSV or of events as the pipeline does, in chunks. */
async function read(path, isEvents) {
  const kernels = openKernels()
  const reader = await (isEvents ? openNdjson(path, specs, {}) : openBytes(path, specs, { kernels }))
  let rows = 0
  for (;;) {
    const chunk = await reader.read(1024)
    if (chunk === null) break
    rows += chunk.rows
  }
  await reader.close()
  kernels?.close()
  return rows
}

/** One measurement, in a process of its own: what it read, in how much time. */
async function measured(work) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const rows = await work()
  const wallS = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  console.log(JSON.stringify({ rows, wallS, cpuS: (user + system) / 1e6 }))
  process.exit(0)
}

if (part !== undefined) {
  const [kind, path, copy] = JSON.parse(part)
  if (kind === 'topic') {
    const options = { qos: copy.qos, waitS: 30, rows: null, hasHeader: true }
    await measured(async () => {
      const { events } = await collectTopic(path, copy.file, options)
      return (await read(copy.file, false)) === events - 1 ? events - 1 : Number.NaN
    })
  } else await measured(() => read(path, kind === 'events'))
}

function inProcess(...words) {
  const child = spawn(process.execPath, [script, String(ROWS), '1', JSON.stringify(words)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  return new Promise((resolve) => child.once('close', () => resolve(JSON.parse(said))))
}

const folder = mkdtempSync(join(tmpdir(), 'bench-sources-'))
const children = []
/** What the servers print. */
let said = ''
const path = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(':')

/** Such as `nats-server 2.9.10`; only the name where it does not say. */
function versionOf(program) {
  const words = program === 'mosquitto' ? ['-h'] : ['-v']
  const { stdout } = spawnSync(program, words, { encoding: 'utf8', env: { ...process.env, PATH: path } })
  return [program, /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0] ?? ''].join(' ').trim()
}

async function server(program, configure) {
  const port = await new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
  const config = join(folder, `${program}.conf`)
  writeFileSync(config, configure(port))
  const child = spawn(program, ['-c', config], { env: { ...process.env, PATH: path } })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      said += text
    })
  children.push(child)
  await sleep(500)
  return port
}

try {
  const csv = join(folder, 'rows.csv')
  await generateDataset({ preset: 'nba2k', rows: ROWS, seed: 1 }, csv)
  const events = join(folder, 'rows.ndjson')
  const records = parse(readFileSync(csv), { columns: true })
  writeFileSync(events, records.map((record) => JSON.stringify(record)).join('\n'))
  const nats = `nats://127.0.0.1:${await server('nats-server', (port) => `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}" }\n`)}`
  const mqtt = `mqtt://127.0.0.1:${await server('mosquitto', (port) => `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 1000\nlog_type subscribe\n`)}`
  const seed = { arrival: { pattern: 'constant', rate: 1e9 }, seed: 1, rows: null }
  const sent = [
    ['NATS, CSV', await publish({ ...seed, data: { path: csv }, to: `${nats}/csv`, qos: 1 })],
    ['NATS, JSON', await publish({ ...seed, data: { path: events }, to: `${nats}/events`, qos: 1 })],
  ]
  const stored = async (name) => (await lookAtStream(`${nats}/${name}`)).path
  const cases = [
    ['file, CSV', () => inProcess('csv', csv)],
    ['NATS, CSV', async () => inProcess('csv', await stored('csv'))],
    ['file, JSON', () => inProcess('events', events)],
    ['NATS, JSON', async () => inProcess('events', await stored('events'))],
  ]
  for (const qos of [0, 1])
    cases.push([
      `MQTT, QoS ${qos}, CSV`,
      async () => {
        const topic = `${mqtt}/rows/${qos}`
        const reading = inProcess('topic', topic, { qos, file: join(folder, 'copy') })
        said = ''
        while (!said.includes(`rows/${qos}`)) await sleep(20)
        const report = await publish({ ...seed, data: { path: csv }, to: topic, qos })
        sent.push([`MQTT, QoS ${qos}`, report])
        return reading
      },
    ])
  const results = new Map(cases.map(([name]) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, run] of cases) {
      const result = await run()
      if (result.rows !== ROWS) console.error(`${name}: ${result.rows} of ${ROWS} rows`)
      results.get(name).push(result)
    }
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]
  const k = (value) => (1000 * Math.round(value / 1000)).toLocaleString('en')
  const servers = ['nats-server', 'mosquitto'].map((name) => versionOf(name)).join(', ')
  const text = [
    `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, ${servers}; ${ROWS} rows, median of ${ROUNDS}; load average ${loadavg()[0].toFixed(1)}.`,
    '',
    '| source | rows per second of CPU | rows per second of wall time |',
    '| --- | --- | --- |',
    ...[...results].map(
      ([name, all]) =>
        `| ${name} | ${k(median(all.map(({ rows, cpuS }) => rows / cpuS)))} | ${k(median(all.map(({ rows, wallS }) => rows / wallS)))} |`,
    ),
    '',
    '| sent by `stint publish` to | rows per second |',
    '| --- | --- |',
    ...sent.map(([name, { achieved_rows_s }]) => `| ${name} | ${k(achieved_rows_s)} |`),
  ].join('\n')
  console.log(text)
  if (words.includes('--write')) rewriteBetween(DOCUMENT, 'sources', text)
} finally {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
