/**
 * What measuring costs: time a chunk of a workload that does nothing, with the chunk log and without, and that time as
 * a share of the built-in pipeline's mean chunk. Rewrites docs/evidence/measuring-cost.md's table.
 *
 *   npm run build && node test/bench/measuring-cost.mjs [rounds=7]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LocalExecutor } from '../../build/harness/execute/local/executor.js'
import { rewriteBetween } from './markers.mjs'
import { trialOf } from './spec.mjs'

const EMPTY_STEPS = 200_000
const CHUNK_SIZES = [64, 256, 1024]
const ROWS = 100_000
const GOAL = 0.02
const [rounds = 7] = process.argv.slice(2).map(Number)
const document = fileURLToPath(new URL('../../docs/evidence/measuring-cost.md', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'stint-bench-'))
const executor = new LocalExecutor()
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

async function cpuUsPerChunk({ spec, resources }) {
  executor.provide(resources)
  const { outcome, error, metrics } = await executor.run(spec)
  if (outcome !== 'ok') throw new Error(`${outcome}: ${error?.message}`)
  return (metrics.cpu_s * 1e6) / metrics.chunks
}

const prepared = await executor.prepare({
  workload: 'pipeline',
  datasets: [{ kind: 'generate', preset: 'nba2k', rows: ROWS, seed: 7 }],
  data_dir: folder,
})
if (!prepared.ok) throw new Error(prepared.error.message)
const params = Object.fromEntries(
  Object.entries(prepared.workload.params).map(([name, param]) => [name, param.default]),
)

const empty = { plain: [], logged: [] }
const pipeline = new Map(CHUNK_SIZES.map((size) => [size, []]))
const loads = []
for (let round = 0; round < rounds; round++) {
  loads.push(loadavg()[0])
  empty.plain.push(await cpuUsPerChunk(trialOf('empty', { steps: EMPTY_STEPS })))
  empty.logged.push(await cpuUsPerChunk(trialOf('empty', { steps: EMPTY_STEPS }, { chunkLogs: folder })))
  for (const size of CHUNK_SIZES) {
    const { spec, resources } = trialOf('empty', params)
    const { path, ...data } = prepared.datasets[0]
    const trial = {
      ...spec,
      workload: { kind: 'builtin', name: 'pipeline', sha256: '' },
      settings: { ...spec.settings, chunk_size: size, batch_size: 64 },
      data,
      warmup_chunks: 20,
    }
    const known = { ...resources, data: new Map([[data.fingerprint.sha256, path]]) }
    pipeline.get(size).push(await cpuUsPerChunk({ spec: trial, resources: known }))
  }
  process.stderr.write(`round ${round + 1} of ${rounds}\n`)
}
await executor.close()
rmSync(folder, { recursive: true })

const cost = { plain: median(empty.plain), logged: median(empty.logged) }
const share = (us, chunk) => `${((us / chunk) * 100).toFixed(2)}%`
const rows = CHUNK_SIZES.map((size) => {
  const chunk = median(pipeline.get(size))
  const met = cost.plain / chunk <= GOAL ? 'met' : '**over**'
  return `| ${[size, chunk.toFixed(0), share(cost.plain, chunk), share(cost.logged, chunk), met].join(' | ')} |`
})
const text = `Measured ${new Date().toISOString().slice(0, 10)} on ${availableParallelism()} cores (${cpus()[0].model.trim()}), Linux ${release()}, Node ${process.versions.node}: median of ${rounds} trials, one-minute load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}. A chunk of a workload that does nothing takes ${cost.plain.toFixed(2)} us of CPU time, ${cost.logged.toFixed(2)} us with the chunk log.

| rows a chunk | pipeline, us of CPU a chunk | measuring | with chunk log | goal, measuring within ${GOAL * 100}% |
|---|---|---|---|---|
${rows.join('\n')}`
rewriteBetween(document, 'measuring-cost', text)
process.stdout.write(`${text}\n`)
