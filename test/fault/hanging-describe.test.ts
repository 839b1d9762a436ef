/** A workload that hangs or grows before any trial costs its run, and nobody's patience. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const COMMAND = join(import.meta.dirname, '../../dist/harness/cli/main.js')
const WORKLOADS = {
  loops: 'export default { describe() { for (;;); }, open: () => null }',
  waits: 'setInterval(() => {}, 1000); await new Promise(() => {}); export default { open: () => null }',
  grows: `const kept = []
    export default { describe() { for (;;) if (kept.length < 600) kept.push(Buffer.alloc(1 << 20, 1)) }, open: () => null }`,
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-describe-'))
  for (const [name, code] of Object.entries(WORKLOADS)) writeFileSync(join(folder, `${name}.mjs`), code)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function words(name: keyof typeof WORKLOADS, timeout_s: number): string[] {
  const sweep = { name, workload: `./${name}.mjs`, benchmark_runs: 1, max_memory_mb: 64, timeout_s }
  const path = join(folder, `${name}.yaml`)
  writeFileSync(path, JSON.stringify(sweep))
  return [COMMAND, 'run', path, '--out', join(folder, 'results'), '--quiet']
}

describe('a workload that does not come to describe itself', () => {
  it.each(['loops', 'waits'] as const)('is refused with what to do: %s', (name) => {
    const { status, stderr } = spawnSync(process.execPath, words(name, 5), { encoding: 'utf8' })
    expect(stderr).toContain(`${name}.mjs: it was not loaded and described after 5 s`)
    expect(status).toBe(2)
  })

  it.skipIf(process.platform !== 'linux')('takes no more memory than a trial may', () => {
    const { status, stderr } = spawnSync(process.execPath, words('grows', 60), { encoding: 'utf8' })
    expect(stderr).toContain('grows.mjs: it took more than 64 MB to load and describe itself')
    expect(status).toBe(2)
  })

  it.skipIf(process.platform === 'win32')('is ended by one signal', async () => {
    const run = spawn(process.execPath, words('loops', 600), { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(run, 'exit')
    // By now the command hears signals, whatever else it has come to.
    await new Promise((resolve) => setTimeout(resolve, 2500))
    run.kill('SIGTERM')
    expect((await ended)[0]).toBe(130)
  })
})
