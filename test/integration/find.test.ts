/** `stint find`, and that a search which is killed goes on with the same answer. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Sandbox, trialsOf } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'
const SWEEP = {
  workload: 'levels',
  goal: { subject_to: ['left >= 7'] },
  grid: { 'params.need': [0, 3] },
  warmup_chunks: 0,
}
/** The short range begins where one goal is met already: nothing below is to be shown to fail. */
const RANGE = FULL ? '1..12' : '7..11'
const BELOW = FULL ? 6 : null
const WORDS = ['--min', 'params.level', '--range', RANGE, '--over', 'params.need', '--trials', '8']

let box: Sandbox
beforeEach(() => {
  box = new Sandbox()
})
afterEach(() => box.remove())

describe('a search that is killed', () => {
  it('goes on where it stood, and comes to the answer of one that was not', {
    timeout: 1_800_000,
  }, async () => {
    const sweep = box.sweep(SWEEP)
    const trialsSoFar = () => box.runs().reduce((sum, run) => sum + trialsOf(run).length, 0)
    const kills = FULL ? 20 : 1
    for (let n = 0; n < kills; n++) {
      const open = box.runs().at(-1)
      const words = open === undefined ? ['find', sweep, ...WORDS, '--out', box.results] : ['resume', open]
      const { child, end } = box.start([...words, '--export', 'csv'])
      const before = trialsSoFar()
      // Random moments of which each lies after the end of a trial, so that there is something to go on with.
      while (child.exitCode === null && trialsSoFar() <= before) await sleep(20)
      await sleep(Math.random() * 400)
      child.kill('SIGKILL')
      await end
    }
    const run = box.runs()[0]!
    expect(box.runs()).toEqual([run])
    const resumed = await box.stint('resume', run, '--export', 'csv,markdown')
    expect([resumed.code, resumed.stdout]).toEqual([0, `${run}\n`])
    expect(resumed.stderr).not.toContain('planned trial')
    const shown = await box.stint('report', run, '--json', '--export', 'json')
    const found = JSON.parse(shown.stdout)
    expect(found).toMatchObject({
      ...{ kind: 'find', axis: 'params.level', best: 'min', goal: 'subject to left >= 7' },
      results: [
        { at: { 'params.need': 0 }, meets: 7, fails: BELOW, undecided: [], violations: [] },
        { at: { 'params.need': 3 }, meets: 10, fails: 9, undecided: [], violations: [] },
      ],
    })
    expect(found.test).toMatchObject({ alpha: 0.05, power: 0.9, most_trials: 8 })
    const trials = trialsOf(run)
    expect(new Set(trials.map(({ trial }) => trial)).size).toBe(trials.length)
    expect(found.results[0].trials + found.results[1].trials).toBe(trials.length)
    expect(trials.length).toBeLessThan(45)
    const curve = readFileSync(join(run, 'benchmarks', 'demand.csv'), 'utf8').split('\n')
    expect(curve[0]).toBe(
      'params.need,params.level_meets,params.level_fails,confidence,trials,undecided,violations',
    )
    expect(curve.slice(1, 3).map((line) => line.split(',').slice(0, 3))).toEqual([
      ['0', '7', `${BELOW ?? ''}`],
      ['3', '10', '9'],
    ])
    expect(readFileSync(join(run, 'reports', 'report.md'), 'utf8')).toContain('meets, confirmed')
    expect(readdirSync(run)).not.toContain('started.jsonl')
    expect(box.processes()).toEqual([])
  })
})
