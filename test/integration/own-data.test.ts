/** What most people do first: `stint run` and `stint init` on a data file of their own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadSweep, type Overrides, sweepOfFile } from '../../harness/index.ts'
import { checkHere, closeHere, refusedHere } from '../fixtures/check-here.ts'
import { Sandbox, trialsOf } from '../fixtures/cli.ts'

const box = new Sandbox()
afterAll(async () => {
  await closeHere()
  box.remove()
})

const ROWS = 40
const table = (columns: readonly string[], row: (i: number) => readonly unknown[]): string => {
  const cell = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`
  const lines = [columns, ...Array.from({ length: ROWS }, (_, i) => row(i))]
  return `${lines.map((line) => line.map(cell).join(',')).join('\n')}\n`
}
const prices = table(['id', 'area', 'kind', 'price'], (i) => [
  i + 1,
  50 + ((i * 37) % 90),
  i % 3 === 0 ? 'flat' : 'house',
  1000 * i + 7,
])
box.write('my prices.csv', prices)
box.write('prices.csv.gz', gzipSync(prices))
box.write(
  'events.ndjson',
  Array.from({ length: ROWS }, (_, i) => JSON.stringify({ x: i % 7, price: 3 * i })).join('\n'),
)
const QUICK = [
  '--runs',
  '1',
  '--set',
  'warmup_chunks=0',
  '--set',
  'caps=best_effort',
  '--quiet',
  '--export',
  'csv',
]
const RIDGE = ['--set', 'params.learner=ridge']
const FULL = process.env['STINT_FULL'] === '1'
const ONE_SHARE = FULL ? [] : ['--set', 'grid.max_compute_units=[1]']

describe('stint run FILE --target COLUMN', { timeout: 60_000 }, () => {
  it('runs a small grid of the built-in pipeline, and keeps it as a sweep', async () => {
    const words = ['run', 'my prices.csv', '--target', 'price', ...QUICK, ...RIDGE, ...ONE_SHARE]
    const { code, stdout, stderr } = await box.stint(...words)
    expect([code, stderr]).toEqual([0, ''])
    const { sweep } = JSON.parse(readFileSync(join(stdout.trim(), 'run.json'), 'utf8'))
    expect(sweep.name).toBe('my-prices')
    expect(sweep.source.document).toMatchObject({
      name: 'my-prices',
      dataset: { source: 'my prices.csv', target: 'price' },
      grid: { batch_size: [16, 128] },
      benchmark_runs: 1,
      caps: 'best_effort',
    })
    const trials = trialsOf(stdout.trim())
    expect(trials.map(({ outcome }) => outcome)).toEqual(sweep.scenarios.map(() => 'ok'))
    expect(trials.length).toBe(FULL ? 4 : 2)
  })

  it.each([['prices.csv.gz', 4] as const, ...(FULL ? [['events.ndjson', 4] as const] : [])])(
    'lists the scenarios of %s with --dry-run',
    async (file, scenarios) => {
      const { code, stdout } = await box.stint('run', file, '--target', 'price', '--dry-run')
      expect([code, stdout]).toEqual([0, expect.stringContaining(`${scenarios} scenarios x 5 runs`)])
    },
  )

  const refusals: [file: string, said: Overrides, message: RegExp, byCommand: boolean][] = [
    [
      'my prices.csv',
      {},
      /--target\. Columns that could be it: area \(numbers\), kind \(2 labels\), price \(numbers\); the others: id\n/,
      true,
    ],
    ['my prices.csv', { target: 'prize' }, /no column "prize"; did you mean "price"\?/, FULL],
    ['none.csv', { target: 'price' }, /^stint: none\.csv: no such file\n/, true],
    ['my prices.csv', { target: 'price', set: ['params.learner=rigde'] }, /did you mean "ridge"\?/, FULL],
    ['my prices.csv', { target: 'kind', set: ['params.learner=ridge'] }, /predicts numbers/, FULL],
  ]
  it.each(refusals)('says what is wrong with %s and %j', async (file, said, message, byCommand) => {
    const { target, set = [] } = said
    const words = [
      ...(target === undefined ? [] : ['--target', target]),
      ...set.flatMap((one) => ['--set', one]),
    ]
    if (byCommand) {
      const { code, stdout, stderr } = await box.stint('run', file, ...words, '--dry-run')
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(message)
      expect(stderr).not.toMatch(/dataset\.target/)
      return
    }
    const refused = await refusedHere(box.folder, () => sweepOfFile(file, said))
    expect(refused).toMatch(message)
    expect(refused).not.toMatch(/dataset\.target/)
  })
})

const HOSTILE = [
  'constructor',
  'a: b #c',
  'say "it\'s"',
  'emoji \u{1f600}',
  'two\nlines',
  '- x',
  '{y}',
  'null',
  '*z',
  '\u0085',
]
/** So many of them are tried as the target too; as columns, all of them each time. */
const TARGETS = FULL ? 5 : 1

describe('stint init', { timeout: 60_000 }, () => {
  it('writes a sweep that runs as it stands, and is the one that stint run FILE stands for', async () => {
    const made = await box.stint('init', 'my prices.csv', '--target', 'price', '--out', 'first.yaml')
    expect(made.code).toBe(0)
    expect(made.stdout.trim()).toBe(join(box.folder, 'first.yaml'))
    const text = readFileSync(join(box.folder, 'first.yaml'), 'utf8')
    expect(text).toMatch(/^# yaml-language-server: \$schema=.*sweep\.schema\.json\n/)
    expect(text).toMatch(/^ {2}# {3}area: number$/m)
    expect(text).toMatch(/^ {2}# {3}id: drop$/m)
    expect(text).toMatch(/^# - dropped id: it counts the rows\b/m)
    const listed: unknown[] = []
    for (const load of [
      () => loadSweep('first.yaml'),
      () => sweepOfFile('my prices.csv', { target: 'price' }),
    ]) {
      const size = await checkHere(box.folder, async () => {
        const loaded = await load()
        listed.push(loaded.sweep.scenarios.map(({ id, label }) => [id, label]))
        return loaded
      })
      expect(size).toMatchObject({ scenarios: 4, trials: 20 })
    }
    expect(listed[0]).toEqual(listed[1])
    // The test above has run the same.
    if (!FULL) return
    const dry = await box.stint('run', 'first.yaml', '--dry-run')
    expect([dry.code, dry.stderr]).toEqual([0, ''])
    const direct = await box.stint('run', 'my prices.csv', '--target', 'price', '--dry-run')
    expect(dry.stdout).toBe(direct.stdout)
    const ran = await box.stint('run', 'first.yaml', '--set', 'grid.batch_size=[16]', ...QUICK)
    expect([ran.code, ran.stderr]).toEqual([0, ''])
    expect(trialsOf(ran.stdout.trim()).map(({ outcome }) => outcome)).toEqual(['ok', 'ok'])
  })

  it('replaces no file unless told to', async () => {
    box.write('mine.yaml', 'precious')
    const words = ['init', 'my prices.csv', '--target', 'price', '--out', 'mine.yaml']
    const refused = await box.stint(...words)
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/mine\.yaml: is there already\n.*--force/),
    ])
    expect(readFileSync(join(box.folder, 'mine.yaml'), 'utf8')).toBe('precious')
    expect((await box.stint(...words, '--force')).code).toBe(0)
    expect(readFileSync(join(box.folder, 'mine.yaml'), 'utf8')).toMatch(/^name: my-prices$/m)
  })

  it('writes any name of a column as YAML, in use and in the comments', async () => {
    box.write(
      'odd.csv',
      table([...HOSTILE, 'y'], (i) => [...HOSTILE.map((_, at) => (i * (at + 3)) % 11), i]),
    )
    for (const target of HOSTILE.slice(0, TARGETS)) {
      const made = await box.stint('init', 'odd.csv', '--target', target, '--out', 'odd.yaml', '--force')
      expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('counts the rows')])
      const text = readFileSync(join(box.folder, 'odd.yaml'), 'utf8')
      expect(parse(text).dataset.target).toBe(target)
      const fixed = text.replaceAll(/^ {2}# (?=columns:$| {2}\S)/gm, '  ')
      expect(Object.keys(parse(fixed).dataset.columns).sort()).toEqual([...HOSTILE, 'y'].sort())
    }
    expect(await refusedHere(box.folder, 'odd.yaml')).toBeNull()
  })
})

describe('stint params', { timeout: 60_000 }, () => {
  it('lists every parameter of the built-in pipeline, and the options of each learner apart', async () => {
    const { code, stdout } = await box.stint('params')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^label_delay +whole number from 0 +0 +rows that are seen/m)
    expect(stdout).toMatch(/^learner: ridge \(for a number: .*\n(?:.*\n)*?lambda +number from 0 +5 /m)
    const json = JSON.parse((await box.stint('params', '--json')).stdout)
    expect(json).toMatchObject({
      kind: 'params',
      workload: 'pipeline',
      params: { label_delay: { default: 0 } },
    })
    expect(json.choices.learner.pa.params.c).toMatchObject({ type: 'number', default: 0.01 })
  })

  it('lists those of a workload of the user', async () => {
    const describe = `() => ({ name: 'mine', dataset: 'required', metrics: {},
      params: { constructor: { type: 'integer', default: 3, minimum: 1, description: 'how deep' } } })`
    box.write('mine.mjs', `export default { describe: ${describe}, open: () => {} }`)
    box.write('silent.mjs', 'export default { open: () => {} }')
    expect((await box.stint('params', 'mine.mjs')).stdout).toMatch(
      /^constructor +whole number from 1 +3 +how deep$/m,
    )
    expect((await box.stint('params', './silent.mjs')).stdout).toMatch(/handed over unchecked/)
    expect((await box.stint('params', 'none.mjs')).stderr).toMatch(/^stint: none\.mjs: no such file\n/)
  })
})
