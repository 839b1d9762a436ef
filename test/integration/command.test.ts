/** A sweep whose workload is another program: its caps, its outcome and its log are those of a trial. */
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalExecutor } from '../../harness/execute/local/executor.ts'
import type { GateResult } from '../../harness/gate/types.ts'
import { openRun } from '../../harness/record/open-run.ts'
import { Sandbox, trialsOf } from '../fixtures/cli.ts'
import { fixtureResources, trialSpec } from '../fixtures/trial.ts'
import { errorOf, okOf } from '../fixtures/trials.ts'

const FULL = process.env['STINT_FULL'] === '1'
const programs = fileURLToPath(new URL('../fixtures/programs/', import.meta.url))
const box = new Sandbox()
afterAll(() => box.remove())

describe('a program as a workload', () => {
  it('runs in a sweep, and its standard error is kept', async () => {
    copyFileSync(join(programs, 'program.mjs'), join(box.folder, 'program.mjs'))
    const command = [process.execPath, 'program.mjs', 'chatty']
    const sweep = box.write(
      'sweep.yaml',
      JSON.stringify({ name: 'swept', workload: { command }, benchmark_runs: 1, chunk_size: 7 }),
    )
    const { code, stderr } = await box.stint('run', sweep, '--out', box.results)
    expect([code, stderr]).toEqual([0, expect.stringContaining('1/1 trial')])
    const [run] = box.runs()
    const [trial] = trialsOf(run!)
    const { metrics, info } = okOf(trial!)
    // Opened a second time, after the warm-up.
    expect(metrics).toMatchObject({ a: 2, chunks: 5, rows: 29 })
    expect(metrics['command_round_trip_ms']).toBeGreaterThan(0)
    expect(info).toEqual({ request: 'chatty' })
    const log = readFileSync(join(run!, 'chunks', `${trial!.trial}.stderr.log`), 'utf8')
    expect(log).toBe(`${'x'.repeat(100)}\n`.repeat(2))
    const { manifest } = openRun(run!)
    expect(manifest.sweep.workload).toEqual({ command, folder: box.folder })
    expect(readFileSync(join(run!, 'reports/report.md'), 'utf8')).toContain('Round trip to the program')
  })

  it('is refused before a run where a word of it is nowhere', async () => {
    const refusal = async (command: string[]) => {
      const sweep = box.write('bad.yaml', JSON.stringify({ name: 'bad', workload: { command } }))
      const { code, stderr } = await box.stint('run', sweep, '--out', box.results)
      expect(code).toBe(2)
      return stderr
    }
    expect(await refusal(['no-such-program'])).toContain('no program called "no-such-program" is on the PATH')
    expect(await refusal([process.execPath, 'absent.py'])).toContain(
      `key "workload.command[1]": no such file: ${join(box.folder, 'absent.py')}`,
    )
  })
})

/** A program of 40 steps, each of so many turns of a loop as its parameter says. */
const TURNS = `
import { createInterface } from 'node:readline'
const param = { type: 'integer', default: 60000, description: 'of a loop, in each step' }
let left = 0
let turns = 0
const answers = {
  describe: () => ({ name: 'turns', dataset: 'none', params: { turns: param }, metrics: {} }),
  open: ({ params }) => {
    left = 40
    turns = params.turns
    return {}
  },
  step: ({ rows }) => {
    let sum = 0
    for (let i = 0; i < turns; i++) sum = Math.sqrt(sum + i)
    return left-- > 0 ? { rows, info: sum < 0 } : { done: true }
  },
  finish: () => ({ metrics: {} }),
}
for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...request } = JSON.parse(line)
  process.stdout.write(\`\${JSON.stringify((answers[op] ?? (() => ({})))(request))}\\n\`)
}
`

it.runIf(FULL)(
  'is gated: a slower program is found, and an equal one never claimed to be',
  async () => {
    box.write('turns.mjs', TURNS)
    const command = [process.execPath, 'turns.mjs']
    const sweep = box.write('turns.yaml', JSON.stringify({ name: 'turns', workload: { command } }))
    const gate = (turns: number) =>
      box.stint('gate', sweep, '--json', '--time-limit', '120s', '--set-candidate', `params.turns=${turns}`)
    const same = await gate(60_000)
    expect([0, 3], same.stdout + same.stderr).toContain(same.code)
    const slower = await gate(240_000)
    expect(slower.code, slower.stdout + slower.stderr).toBe(1)
    const { rows, untested } = JSON.parse(slower.stdout) as GateResult
    const found = rows.filter(({ verdict }) => verdict === 'regression').map(({ metric }) => metric)
    expect(found).toEqual(expect.arrayContaining(['latency_mean_ms']))
    expect(rows.find(({ metric }) => metric === 'cpu_s')).toMatchObject({ source: 'pairs' })
    expect(untested.map(({ metric }) => metric)).not.toContain('cpu_s')
  },
  600_000,
)

describe.skipIf(process.platform !== 'linux')('a trial of a program', () => {
  let executor: LocalExecutor
  beforeAll(() => {
    executor = new LocalExecutor({ temporaryRoot: box.temporary })
    const ways = ['eats', 'exits', 'silent', 'good']
    const source = (how: string) => ({ command: [process.execPath, 'program.mjs', how], folder: programs })
    executor.provide(fixtureResources({ workloads: new Map(ways.map((how) => [how, source(how)])) }))
  })
  afterAll(async () => {
    await executor.close()
    expect(readdirSync(box.temporary)).toEqual([])
  })
  const run = (how: string, caps = {}) =>
    executor.run({
      ...trialSpec('tiny', {}, { trial: how, deadline_s: 40, ...caps }),
      workload: { kind: 'command', name: how, sha256: how },
    })

  it('ends as it does, and all that it started with it', async () => {
    const outcomes = [
      await run('exits'),
      await run('eats', { memory: 64 }),
      await run('silent', { deadline_s: 1 }),
      await run('good', { memory: 64, compute: 0.5 }),
    ]
    expect(outcomes.map(({ trial, outcome }) => [trial, outcome])).toEqual([
      ['exits', 'crashed'],
      ['eats', 'out_of_memory'],
      ['silent', 'timed_out'],
      ['good', 'ok'],
    ])
    expect(errorOf(outcomes[0]!)).toMatchObject({
      exit: 'code 3',
      message: expect.stringContaining('Traceback: no such column'),
    })
    expect(box.processes().filter(({ command }) => command.includes('program.mjs'))).toEqual([])
  })
})
