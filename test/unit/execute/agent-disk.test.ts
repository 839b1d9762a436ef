/** What an agent keeps on its disk. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AgentDisk } from '../../../harness/execute/fleet/disk.ts'
import type { Outcome } from '../../../harness/execute/fleet/messages.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-disk-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const content = randomBytes(300_000)
const sha256 = createHash('sha256').update(content).digest('hex')

it('fetches data once for all slots that need it, and has it whole for each', async () => {
  const disk = new AgentDisk(folder, 'pi', null)
  let fetches = 0
  const fetch = async () => {
    const wait = 30 * fetches++
    return (async function* parts() {
      for (let from = 0; from < content.length; from += 100_000) {
        yield content.subarray(from, from + 100_000)
        await sleep(wait)
      }
    })()
  }
  const slot = async () => readFileSync(await disk.data(sha256, '.csv', fetch))
  const [first, second] = await Promise.all([slot(), slot()])
  expect(first.equals(content) && second.equals(content)).toBe(true)
  await slot()
  expect(fetches).toBe(1)
})

it('asks anew after data that did not come whole', async () => {
  const disk = new AgentDisk(folder, 'pi', null)
  const stalled = async () =>
    (async function* parts() {
      yield content.subarray(0, 1000)
      throw new Error('no more came')
    })()
  await expect(disk.data(sha256, '.csv', stalled)).rejects.toThrow('no more came')
  const whole = async () =>
    (async function* parts() {
      yield content
    })()
  expect(readFileSync(await disk.data(sha256, '.csv', whole)).equals(content)).toBe(true)
})

it('has an id that stays with the folder', () => {
  const { id } = new AgentDisk(folder, 'pi', null)
  expect(id).toMatch(/^[0-9a-f]{16}$/)
  expect(new AgentDisk(folder, 'other', null).id).toBe(id)
  rmSync(folder, { recursive: true })
  expect(new AgentDisk(folder, 'pi', null).id).not.toBe(id)
})

it('has an id of its own where the folder was copied to another machine', () => {
  const [first, board] = [new AgentDisk(folder, 'pi', 'a1'), new AgentDisk(folder, 'pi', 'b2')]
  expect([first.isCopy, board.isCopy]).toEqual([false, true])
  expect(board.id).toMatch(/^[0-9a-f]{16}$/)
  expect(board.id).not.toBe(first.id)
  expect(new AgentDisk(folder, 'pi', 'b2').id).toBe(board.id)
  expect(new AgentDisk(folder, 'pi', 'a1')).toMatchObject({ id: first.id, isCopy: false })
})

it('keeps results until the server has them, whatever the clock says', () => {
  const outcome = { format: 1, run: 'r', key: 'k', id: 't1', agent: '{}', what: {} } as never as Outcome
  const disk = new AgentDisk(folder, 'pi', null)
  disk.save(outcome, JSON.stringify(outcome))
  const job = join(folder, 'results', 'pi', 'r', 'k')
  for (const path of [join(job, 't1.json'), job, dirname(job)]) utimesSync(path, 0, 0)
  const jobs = () => [...new AgentDisk(folder, 'pi', null).left()]
  expect(jobs()).toEqual([{ run: 'r', key: 'k' }])
  expect([...new AgentDisk(folder, 'pi', null).saved('r', 'k')]).toEqual([outcome])
  disk.finish('r', 'k')
  expect(jobs()).toEqual([])
  // The job came again, and more of it was done.
  new AgentDisk(folder, 'pi', null).save({ ...outcome, id: 't2' }, JSON.stringify({ ...outcome, id: 't2' }))
  expect(jobs()).toEqual([{ run: 'r', key: 'k' }])
})
