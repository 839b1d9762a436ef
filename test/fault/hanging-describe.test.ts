/** A workload that hangs or grows before any trial costs its run, and nobody's patience. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, MAIN } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'

const WORKLOADS = {
  // It takes no core from other tests.
  loops: `import { writeFileSync } from 'node:fs'
    const cell = new Int32Array(new SharedArrayBuffer(4))
    export default { describe() { writeFileSync(new URL('begun', import.meta.url), ''); for (;;) Atomics.wait(cell, 0, 0, 20) }, open: () => null }`,
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
  return ['run', path, '--out', join(folder, 'results'), '--quiet']
}

describe('a workload that does not come to describe itself', () => {
  it.each(FULL ? (['loops', 'waits'] as const) : (['loops'] as const))(
    'is refused with what to do: %s',
    async (name) => {
      const { code, stderr } = await command(words(name, 5), folder, process.env)
      expect(stderr).toContain(`${name}.mjs: it was not loaded and described after 5 s`)
      expect(code).toBe(2)
    },
  )

  it.skipIf(process.platform !== 'linux')('takes no more memory than a trial may', async () => {
    const { code, stderr } = await command(words('grows', 60), folder, process.env)
    expect(stderr).toContain('grows.mjs: it took more than 64 MB to load and describe itself')
    expect(code).toBe(2)
  })

  it.skipIf(process.platform === 'win32')('is ended by one signal', async () => {
    const begun = join(folder, 'begun')
    rmSync(begun, { force: true })
    const run = spawn(process.execPath, [MAIN, ...words('loops', 600)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const ended = once(run, 'exit')
    while (!existsSync(begun)) await sleep(20)
    run.kill('SIGTERM')
    expect((await ended)[0]).toBe(130)
  })
})
