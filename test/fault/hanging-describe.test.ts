/** A workload that hangs or grows before any trial costs its run, and nobody's patience. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import { check } from '../../harness/index.ts'
import type { PrepareResult, PrepareSpec } from '../../workers/protocol/prepare.ts'
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

function sweepOf(name: keyof typeof WORKLOADS, timeout_s: number): string {
  const sweep = { name, workload: `./${name}.mjs`, benchmark_runs: 1, max_memory_mb: 64, timeout_s }
  const path = join(folder, `${name}.yaml`)
  writeFileSync(path, JSON.stringify(sweep))
  return path
}

const words = (name: keyof typeof WORKLOADS, timeout_s: number): string[] => [
  ...['run', sweepOf(name, timeout_s), '--out', join(folder, 'results'), '--quiet'],
]

/** Waits a second instead of those that a sweep may ask for. */
class Hasty extends LocalExecutor {
  asked: number | undefined

  override prepare(spec: PrepareSpec): Promise<PrepareResult> {
    this.asked = spec.describe_s
    return super.prepare({ ...spec, describe_s: 1 })
  }
}

describe('a workload that does not come to describe itself', () => {
  it.each(FULL ? (['loops', 'waits'] as const) : (['loops'] as const))(
    'is refused with what to do: %s',
    async (name) => {
      const late = (seconds: number) => `${name}.mjs: it was not loaded and described after ${seconds} s`
      const executor = new Hasty({ temporaryRoot: folder })
      try {
        await expect(check(sweepOf(name, 7), { executor })).rejects.toThrow(late(1))
        expect(executor.asked).toBe(7)
      } finally {
        await executor.close()
      }
      // What a command does with such an error, the next test shows too, and sooner.
      if (!FULL) return
      const { code, stderr } = await command(words(name, 5), folder, process.env)
      expect(stderr).toContain(late(5))
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
