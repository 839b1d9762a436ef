/** A program as a workload, without a trial around it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { type CommandWorkload, startCommand } from '../../../workers/command/workload.ts'
import type { OpenWorkload, TrialContext } from '../../../workers/workload.ts'

const folder = mkdtempSync(join(tmpdir(), 'program-'))
afterAll(() => rmSync(folder, { recursive: true }))
const programs = fileURLToPath(new URL('../../fixtures/programs/', import.meta.url))

const CONTEXT: TrialContext = {
  params: { a: 1 },
  settings: { mode: 'streaming', chunk_size: 2, batch_size: 1, random_seed: 1 },
  limits: { memory_mb: null, compute_units: null },
  dataset: null,
  warmup: false,
}
const OFFER = { rows: 2, train: true }

async function during<T>(how: string, use: (workload: CommandWorkload) => Promise<T>): Promise<T> {
  const source = { command: [process.execPath, 'program.mjs', how], folder: programs }
  const workload = await startCommand(source, join(folder, `${how}.log`))
  try {
    return await use(workload)
  } finally {
    await workload.end()
  }
}

/** Steps to the end of the data. */
async function play(open: OpenWorkload): Promise<number> {
  let rows = 0
  for (;;) {
    const report = await open.step(OFFER)
    if (report === null) return rows
    rows += report.rows
  }
}

describe('a program', () => {
  it('is asked what it is, opened, stepped, finished and closed, and again', async () => {
    await during('good', async (workload) => {
      expect(workload.describe!()).toMatchObject({
        name: 'program',
        metrics: { a: { kind: 'deterministic' } },
      })
      expect(workload.roundTripMs).toBeGreaterThan(0)
      for (const opened of [1, 2]) {
        const open = await workload.open(CONTEXT)
        expect(open).toMatchObject({ skip: undefined })
        expect(await play(open)).toBe(10)
        expect(await open.finish()).toEqual({ metrics: { a: opened }, info: { request: 'good' } })
        await open.close!()
      }
    })
  })

  it('may say nothing of itself, give up rows, and send a reply in pieces', async () => {
    await during('undescribed', async (workload) => expect(workload.describe).toBeUndefined())
    await during('skips', async (workload) => {
      const open = (await workload.open(CONTEXT)) as OpenWorkload & { skip(rows: number): Promise<number> }
      expect(await open.skip(3)).toBe(3)
      expect(await play(open)).toBe(4)
    })
    await during('split', async (workload) => expect(await play(await workload.open(CONTEXT))).toBe(9))
  })

  it.each([
    ['garbage', 'answered "step" with what is not JSON: "Epoch 1: loss 0.3" (standard output is for replies'],
    ['empty', 'answered "step" with what is not JSON: ""'],
    ['number', 'answered "step" with "42"; expected a JSON object'],
    ['list', 'answered "step" with "[]"; expected a JSON object'],
    // Before the next request or after it.
    ['stray', '"and one more"'],
    [
      'exits',
      'ended (code 3) before it answered "step"; the last line on its standard error: Traceback: no such',
    ],
    ['killed', 'ended (SIGSEGV) before it answered "step"'],
    ['huge', 'wrote a line of more than 16 MB, which begins with "xxx'],
    ['error', 'row 7 is no number'],
    ['error_text', 'no such column'],
  ])('that goes wrong fails with what came: %s', async (how, message) => {
    await during(how, async (workload) => {
      const open = await workload.open(CONTEXT)
      const failure = await play(open).catch((error: Error) => error)
      expect(failure).toBeInstanceOf(Error)
      expect((failure as Error).message).toContain(message)
      expect((failure as Error).message.length).toBeLessThan(1500)
    })
  })

  it('that cannot be started, or ends before it says what it is, fails with the reason', async () => {
    const start = (...command: string[]) => startCommand({ command, folder: programs }, null)
    await expect(start('no-such-program')).rejects.toThrow('no-such-program: spawn no-such-program ENOENT')
    await expect(start('false')).rejects.toThrow('false ended (code 1) before it answered "describe"')
    await expect(start('sh', '-c', 'exec >&-; exec sleep 20')).rejects.toThrow('closed its standard output')
    await expect(start('echo', 'hello')).rejects.toThrow('answered "describe" with what is not JSON: "hello"')
  })

  it('has its standard error in the log', async () => {
    await during('chatty', async (workload) => play(await workload.open(CONTEXT)))
    expect(readFileSync(join(folder, 'chatty.log'), 'utf8')).toBe(`${'x'.repeat(100)}\n`)
  })
})
