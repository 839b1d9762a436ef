/** What is installed finds its kernels, and where it cannot run them JavaScript gives the same scores and says why. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { generateDataset } from '../../workers/data/presets/generate.ts'
import { prepared, temporaryFolder } from '../unit/pipeline/support.ts'

const WORKLOAD = pathToFileURL(join(import.meta.dirname, '../../dist/workers/pipeline/workload.js')).href

interface Ran {
  metrics: Record<string, number>
  info: Record<string, unknown>
}

/** Runs the pipeline of dist/ in a process in which `first` has run before it was loaded. */
async function run(path: string, first: string, params = {}): Promise<Ran> {
  const dataset = await prepared(path, { preset: 'nba2k' })
  const context = {
    params: { learner: 'sgd', ...params },
    settings: { mode: 'streaming', chunk_size: 256, batch_size: 128, random_seed: 1 },
    limits: { memory_mb: null, compute_units: null },
    dataset,
    warmup: false,
  }
  const script = `${first}
    const { default: pipeline } = await import(${JSON.stringify(WORKLOAD)})
    const run = await pipeline.open(${JSON.stringify(context)})
    while ((await run.step({ rows: 256, train: true })) !== null);
    console.log(JSON.stringify(await run.finish()))`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Ran
}

it('runs by kernels, and without them with the same scores and the reason', async () => {
  const path = join(temporaryFolder(), 'players.csv')
  await generateDataset({ preset: 'nba2k', rows: 2_000, seed: 3 }, path)
  const compiled = await run(path, '')
  expect(compiled.info).toMatchObject({ kernels: 'wasm' })
  expect(compiled.info).not.toHaveProperty('kernels_missing')
  const chosen = await run(path, '', { kernels: 'js' })
  expect(chosen.info['kernels']).toBe('js')
  expect(chosen.info).not.toHaveProperty('kernels_missing')
  expect(chosen.metrics).toEqual(compiled.metrics)
  for (const [first, reason] of [
    ['delete globalThis.WebAssembly', 'this Node has no WebAssembly'],
    ['WebAssembly.validate = () => false', 'no vectors in WebAssembly on this machine'],
    [
      "WebAssembly.Memory = class { constructor() { throw new RangeError('no room') } }",
      'no address space for the memory of WebAssembly',
    ],
  ] as const) {
    const fallen = await run(path, first)
    expect(fallen.info).toMatchObject({ kernels: 'js', kernels_missing: reason })
    expect(fallen.metrics).toEqual(compiled.metrics)
  }
})
