/** What a workload starts counts under its caps, and ends with its trial. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import { running } from '../fixtures/running.ts'
import { fixtureResources, trialSpec } from '../fixtures/trial.ts'
import { okOf } from '../fixtures/trials.ts'

const FULL = process.env['STINT_FULL'] === '1'
const CORES = [
  ['those that it started', 'burns+writes'],
  ['one without a parent', 'burns_alone'],
] as const

/** Whether or not the kernel's groups hold the caps. */
describe.skipIf(process.platform !== 'linux').each([
  ['with the groups of this machine', {}],
  ['without groups', { STINT_MEMORY_BACKSTOP: 'none', STINT_COMPUTE_MECHANISM: 'duty_cycle' }],
])('the processes of a trial, %s', (_name, environment) => {
  const withGroups = Object.keys(environment).length === 0
  const marker = `stint-children-${process.pid}-${Object.keys(environment).length}`
  let folder: string
  let executor: LocalExecutor
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'stint-children-'))
    const before = { ...process.env }
    Object.assign(process.env, environment)
    executor = new LocalExecutor({ temporaryRoot: folder })
    for (const name of Object.keys(environment)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
    executor.provide(fixtureResources())
  })
  afterAll(async () => {
    await executor.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = (kind: string, caps = {}) =>
    executor.run(
      trialSpec('children', { kind, marker }, { trial: kind, deadline_s: 40, warmup_chunks: 0, ...caps }),
    )

  it('end with it, left as they are, without a parent, or with what it inherited', async () => {
    expect((await run('left+orphan+stray+inherits')).outcome).toBe('ok')
    expect(running(marker)).toEqual([])
  })

  it.each(FULL ? CORES : [CORES[withGroups ? 0 : 1]])('use its cores: %s', async (_name, kind) => {
    const trial = okOf(await run(kind))
    expect(trial.children).toBeGreaterThanOrEqual(1)
    // The trial process itself rests.
    expect(trial.metrics['cpu_s']).toBeGreaterThan(0.39)
    const { achieved } = trial.caps.compute
    expect(achieved).toBeCloseTo(trial.metrics['cpu_s']! / trial.metrics['wall_s']!, 3)
    if (kind.endsWith('writes')) expect(trial.metrics['io_written_mb']).toBeGreaterThanOrEqual(8)
  })

  it('take from its memory', async () => {
    // Where the kernel ends what eats, and not the trial beside it, that waits until its deadline.
    const { outcome } = await run('eats', { memory: 64, deadline_s: 15 })
    expect(outcome).toBe('out_of_memory')
    expect(running(marker)).toEqual([])
  })
})
