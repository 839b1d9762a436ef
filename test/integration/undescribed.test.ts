/** The README's workload, which says nothing of itself, and one that says less than it returns, through the public command. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliEnd, Sandbox, trialsOf } from '../fixtures/cli.ts'

let box: Sandbox
beforeAll(() => {
  box = new Sandbox()
  box.write('data.csv', `x,y\n${'1,2\n3,4\n'.repeat(20)}`)
})
afterAll(() => box.remove())

const ok = ({ code, stdout, stderr }: CliEnd): string => {
  expect([code, stderr]).toEqual([0, expect.not.stringMatching(/stint itself failed|NaN|undefined/)])
  return stdout.trim()
}

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const WORKLOAD = /```js\n(?:\/\/.*\n)?(export default \{\n[\s\S]*?)```/.exec(README)![1]!

/** Helpers that are called as the built-in workload's checks are. */
const HELPERS = `
  checkDataset() { throw new Error('a helper of my own was called') },
  describeFor() { throw new Error('a helper of my own was called') },
`

const SCORE = Array.from({ length: 5000 }, (_, row) => row).filter((row) => Math.sin(row) > 0.5).length / 5000

describe('a workload without describe()', () => {
  it('gets its params as given, has its metrics shown, and its helpers left alone', {
    timeout: 120_000,
  }, async () => {
    box.write('mine.mjs', WORKLOAD.replace('export default {', `export default {${HELPERS}`))
    const path = box.write(
      'mine.yaml',
      `name: swept
workload: ./mine.mjs
dataset: { source: data.csv, target: y }
params: { rows: 5000, threshold: 0.5, word: any }
grid: { params.other: [1, 2] }
compare: { metrics: [my_score, latency_mean_ms] }
benchmark_runs: 2
`,
    )
    const json = JSON.parse(ok(await box.stint('run', path, '--out', box.results, '--json', '--quiet')))
    const run = box.runs()[0]!
    const { sweep } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))
    expect(sweep.scenarios[1].point).toMatchObject({ 'params.word': 'any', 'params.other': 2 })
    for (const trial of trialsOf(run))
      expect(trial).toMatchObject({ outcome: 'ok', metrics: { my_score: SCORE, rows: 5000 } })
    const means = JSON.stringify(json, (key, value) => (key === 'my_score' ? `mean ${value.value}` : value))
    expect(means).toContain(`"my_score":"mean ${SCORE}"`)
    const [head, first] = readFileSync(join(run, 'benchmarks/constraint_experiment.csv'), 'utf8')
      .split('\n')
      .map((line) => line.split(','))
    expect(first![head!.indexOf('my_score')]).toBe(String(SCORE))
    const tests = readFileSync(join(run, 'benchmarks/significance_tests.csv'), 'utf8')
    expect(tests).toMatch(/^my_score,/m)
    expect(readFileSync(join(run, 'reports/report.md'), 'utf8')).toMatch(/my score/i)
    expect(ok(await box.stint('compare', run, run, '--metric', 'my_score'))).toMatch(/my score/i)
    const unknown = await box.stint('compare', run, run, '--metric', 'my_scroe')
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/no such metric[\s\S]*my_score/) })
  })
})

describe('a workload that returns more than it describes', () => {
  it('has the rest shown as measured and neutral', { timeout: 120_000 }, async () => {
    const described = `describe: () => ({
      name: 'mine', dataset: 'none', metrics: {}, params: {
        rows: { type: 'integer', default: 500, description: 'rows' },
        threshold: { type: 'number', default: 0, description: 'what counts' },
      },
    }),`
    box.write('more.mjs', WORKLOAD.replace('export default {', `export default {${described}`))
    const text = 'name: more\nworkload: ./more.mjs\nbenchmark_runs: 1\nwarmup_chunks: 0\n'
    const run = ok(await box.stint('run', box.write('more.yaml', text), '--out', box.results, '--quiet'))
    const csv = readFileSync(join(run, 'benchmarks/constraint_experiment.csv'), 'utf8')
    expect(csv.split('\n')[0]).toMatch(/,my_score,my_score_ci_low,/)
    expect(readFileSync(join(run, 'reports/report.md'), 'utf8')).toMatch(/my score/i)
    const bad = box.write('bad.yaml', `${text}params: { thresold: 1 }\n`)
    expect(await box.stint('run', bad, '--out', box.results)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/unknown parameter of workload "mine"; did you mean "threshold"/),
    })
  })
})
