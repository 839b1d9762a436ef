import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { busyTicks, coresIn, holdCores } from '../../../harness/execute/local/core.ts'
import { ownerToken, thisProcess } from '../../../harness/ownership/owner.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'core-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const hold = (asked: (number | null)[], patienceMs = 0, onStep = (_: string) => {}) =>
  holdCores({
    asked,
    patienceMs,
    onStep,
    folder,
    signal: new AbortController().signal,
    candidates: async () => [3, 0],
  })

it('gives the least busy core, to the next gate another, and waits for one where there is none', async () => {
  const [first, second] = [await hold([null]), await hold([null])]
  expect([first.core, second.core]).toEqual([3, 0])
  await expect(hold([null])).rejects.toThrow('other gates have every core')
  const steps: string[] = []
  const third = hold([null], 60_000, (text) => {
    steps.push(text)
    first.release()
  })
  expect((await third).core).toBe(3)
  expect(steps).toEqual(['waiting for a core: other gates have them'])
})

it('keeps to the core that the sweep names, which no other gate then has', async () => {
  const named = await hold([3, null])
  expect(named.core).toBe(0)
  named.release()
  expect(readdirSync(folder)).toEqual([])
  await hold([3])
  await expect(hold([3])).rejects.toThrow('pin_core 3: another gate has this core')
  expect((await hold([null])).core).toBe(0)
})

it('takes no heed of a gate that is gone', async () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  const gone = `stint-core-3-${ownerToken({ ...thisProcess(), pid, started: '1' })}`
  writeFileSync(join(folder, gone), '')
  expect((await hold([null])).core).toBe(3)
  expect(readdirSync(folder)).not.toContain(gone)
})

it('reads which cores there are and how busy they were', () => {
  expect(coresIn('0-2,5')).toEqual([0, 1, 2, 5])
  expect(coresIn('')).toEqual([])
  const stat = 'cpu  9 9 9 9\ncpu0 1 2 4 1000 500 8 16 32 0 0\ncpu11 1 0 0 7 0 0 0 0 0 0\nintr 5\n'
  expect([...busyTicks(stat)]).toEqual([
    [0, 63],
    [11, 1],
  ])
})
