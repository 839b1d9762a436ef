/** Columns, labels, parameters and metrics called as what every object inherits, through the public command. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRun } from '../../harness/record/open-run.ts'
import type { TrialResult } from '../../workers/protocol/trial-result.ts'
import { closeHere, refusedHere } from '../fixtures/check-here.ts'
import { type CliEnd, Sandbox, trialsOf } from '../fixtures/cli.ts'
import { workloadFile } from '../fixtures/trial.ts'
import { okOf } from '../fixtures/trials.ts'

const TAME = ['x', 'z', 'k', 'l', 'day', 'y', 'made', 'past'] as const
const ANY = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'] as const
const LABELS = ['propertyIsEnumerable', 'toLocaleString', '__lookupSetter__'] as const
const ROWS = 600
const FULL = process.env['STINT_FULL'] === '1'

let box: Sandbox
beforeAll(() => {
  box = new Sandbox()
})
afterAll(async () => {
  await closeHere()
  box.remove()
})

const ok = ({ code, stdout, stderr }: CliEnd): string => {
  expect([code, stderr]).toEqual([0, expect.not.stringMatching(/stint itself failed/)])
  return stdout.trim()
}

/** Numbers with gaps, a value out of range and a shift; categories; a date; the target. */
function rowsOf(target: 'number' | 'label'): string[][] {
  return Array.from({ length: ROWS }, (_, i) => {
    const x = ((i * 37) % 61) + (i < 300 ? 0 : 500)
    const z = i % 50 === 7 ? '' : String(i === 9 ? 9999 : (i * 13) % 17)
    const k = LABELS[i % 3]!
    const y = target === 'label' ? LABELS[(x + i) % 3]! : String(2 * x + ((i * 13) % 17))
    return [
      String(x),
      z,
      k,
      i % 40 === 3 ? '' : 'ab'[i % 2]!,
      `2020-01-${String((i % 28) + 1).padStart(2, '0')}`,
      y,
    ]
  })
}

/** The same data and sweep under other names. */
async function trialsUnder(
  names: readonly string[],
  target: 'number' | 'label',
  format: 'csv' | 'ndjson',
): Promise<TrialResult[]> {
  const [x, z, k, l, day, y, made, past] = names
  const rows = rowsOf(target)
  const text =
    format === 'csv'
      ? [names.slice(0, 6), ...rows].map((row) => row.join()).join('\n')
      : rows
          .map((row) => JSON.stringify(Object.fromEntries(row.map((value, i) => [names[i], value]))))
          .join('\n')
  const source = box.write(`data.${format}`, text)
  const columns = Object.fromEntries([
    [x, 'number'],
    [z, { kind: 'number', impute: 'median', max: 100 }],
    [k, { kind: 'category', values: [...LABELS] }],
    [l, { kind: 'category', impute: 'constant', fill: 'isPrototypeOf' }],
    [day, { kind: 'date', format: 'iso' }],
  ])
  const features = [
    { op: 'product', of: [x, z], name: made },
    { op: 'rolling_mean', of: x, window: 3, by: k, name: past },
  ]
  const sweep = {
    name: 'swept',
    dataset: { source, target: y, columns, features, bad_values: 'impute' },
    params: {
      ...{ learner: target === 'number' ? 'ridge' : 'softmax', validate: true, drift: 'alarm', window: 50 },
      checkpoint_to: 'state.json',
    },
    benchmark_runs: 1,
    warmup_chunks: 0,
    caps: 'best_effort',
    chunk_size: 50,
    batch_size: 4,
  }
  const run = (keys: object, name: string) =>
    box.stint(
      'run',
      box.write(`${name}.yaml`, JSON.stringify({ ...sweep, ...keys })),
      '--out',
      box.results,
      '--quiet',
      ...['--export', 'csv'],
    )
  const first = { ...sweep.dataset, rows: 317 }
  const partRun = ok(await run({ dataset: first }, 'part'))
  const part = trialsOf(partRun)
  const params = { ...sweep.params, checkpoint_to: null, resume_from: join(partRun, 'files/state.json') }
  const rest = trialsOf(ok(await run({ params }, 'rest')))
  return [...part, ...rest]
}

/** What follows from the data alone, with the names put back. */
function contentOf(trial: TrialResult, names: readonly string[]): unknown {
  const { metrics, info } = okOf(trial)
  const own = (name: string) => !/_ms$|_mb$|_s$|_us$|_j$|^gc|^cold/.test(name)
  const renamed = (text: string) => {
    // Features made of a column are called after it, such as `day (year)`.
    const [, name, made = ''] = /^(.*?)( \(\w+\))?$/s.exec(text)!
    const at = names.indexOf(name!)
    return at < 0 ? text : TAME[at]! + made
  }
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value === 'string') return LABELS.includes(value as never) ? value : renamed(value)
    if (typeof value !== 'object' || value === null) return value
    return Object.entries(value).map(([key, below]) => [names === ANY_ALL ? renamed(key) : key, walk(below)])
  }
  const kept = Object.entries(metrics).filter(([name]) => own(name))
  return { metrics: kept, info: walk(info) }
}

const ANY_ALL: readonly string[] = [...ANY, 'isPrototypeOf', '__defineGetter__']

describe('a data set whose columns, labels and features have any name', () => {
  const kinds = [['label', 'ndjson'] as const, ['number', 'csv'] as const]

  it.each(FULL ? kinds : kinds.slice(0, 1))(
    'is learned as any other: %s as %s',
    { timeout: 120_000 },
    async (target, format) => {
      const tame = await trialsUnder(TAME, target, format)
      const any = await trialsUnder(ANY_ALL, target, format)
      expect(tame).toHaveLength(2)
      expect(any.map((trial) => contentOf(trial, ANY_ALL))).toEqual(
        tame.map((trial) => contentOf(trial, TAME)),
      )
      const { info } = okOf(any[1])
      expect(Object.keys((info['quality'] as { columns: object }).columns).sort()).toEqual([...ANY].sort())
      expect(info['bad_values']).toMatchObject({ out_of_range: JSON.parse('{"__proto__":1}') })
    },
  )

  it('has its types told, and inferred where nothing is said', async () => {
    const labels = ['__proto__', 'constructor', 'toString']
    const some = rowsOf('label').slice(0, FULL ? ROWS : 90)
    const rows = some.map((row) => [...row.slice(0, 5), labels[LABELS.indexOf(row[5] as never)]])
    const text = [ANY, ...rows].map((row) => row.join()).join('\n')
    const sweep = { name: 'swept', dataset: { source: box.write('plain.csv', text), target: 'prototype' } }
    const path = box.write('plain.yaml', JSON.stringify(sweep))
    const run = ok(await box.stint('run', path, '--out', box.results, '--quiet', '--runs', '1'))
    const { datasets } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))
    expect(
      Object.entries<{ kind: string }>(datasets[0].schema).map(([name, { kind }]) => [name, kind]),
    ).toEqual([
      ['constructor', 'number'],
      ['__proto__', 'number'],
      ['toString', 'category'],
      ['hasOwnProperty', 'category'],
      ['valueOf', 'date'],
      ['prototype', 'category'],
    ])
    const [trial] = trialsOf(run)
    const { info } = okOf(trial)
    expect(info).toMatchObject({ learner: 'experts' })
    expect([...(info['classes'] as string[])].sort()).toEqual(labels)
  })
})

describe('a workload whose parameters and metrics have any name', () => {
  it('gets them and has them shown', { timeout: 120_000 }, async () => {
    const path = box.write(
      'names.yaml',
      `name: swept
workload: ${workloadFile('any-names')}
params: { constructor: 7, toString: 8 }
grid: { params.__proto__: [3, 4], params.hasOwnProperty: [5] }
compare: { metrics: [__proto__, constructor], reference: { params.__proto__: 3 } }
gate: { margins: { __proto__: 1%, constructor: 1% } }
benchmark_runs: 2
chunk_log: all
`,
    )
    const ran = await box.stint('run', path, '--out', box.results)
    const run = ok(ran)
    const trials = trialsOf(run)
    const valuesOf = (read: readonly TrialResult[]) =>
      read.map((trial) =>
        ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map(
          (name) => Object.getOwnPropertyDescriptor(okOf(trial).metrics, name)?.value,
        ),
      )
    const values = valuesOf(trials)
    expect(valuesOf(openRun(run).trials)).toEqual(values)
    expect(values.sort()).toEqual([
      [3, 7, 8, 5],
      [3, 7, 8, 5],
      [4, 7, 8, 5],
      [4, 7, 8, 5],
    ])
    const [trial] = trials
    const chunk = JSON.parse(
      readFileSync(join(run, 'chunks', `${trial!.trial}.jsonl`), 'utf8').split('\n')[0]!,
    )
    expect(Object.entries(chunk.operators_ms)).toEqual([
      ['__proto__', 0],
      ['constructor', 1],
      ['toString', 2],
      ['hasOwnProperty', 3],
    ])
    const page = readFileSync(join(run, 'reports', 'report.md'), 'utf8')
    const table = readFileSync(join(run, 'benchmarks', 'constraint_experiment.csv'), 'utf8')
    for (const shown of [ran.stderr, page, table])
      expect(shown).not.toMatch(/native code|\[object|NaN|undefined/)
    const [head, first] = table.split('\n').map((line) => line.split(','))
    const value = (name: string) => first![head!.indexOf(name)]
    expect(['params.__proto__', '__proto__', 'constructor', 'toString'].map(value)).toEqual([
      '3',
      '3',
      '7',
      '8',
    ])
    const tests = readFileSync(join(run, 'benchmarks', 'significance_tests.csv'), 'utf8')
    expect(tests).toMatch(/^__proto__,/m)
    expect(tests).toMatch(/^constructor,/m)
    ok(await box.stint('compare', run, run))
  })

  it('takes them from the command line, and refuses those that it does not know', async () => {
    const path = box.write('names.yaml', `name: swept\nworkload: ${workloadFile('any-names')}\n`)
    const words = ['--set', 'params.__proto__=6', '--set', 'params.constructor=2', '--runs', '1', '--quiet']
    const run = ok(await box.stint('run', path, '--out', box.results, ...words))
    expect(Object.entries(openRun(run).manifest.sweep.scenarios[0]!.params)).toEqual(
      expect.arrayContaining([
        ['__proto__', 6],
        ['constructor', 2],
      ]),
    )
    for (const [set, message] of [
      ['params.__proto__={ a: 1 }', /key "params.__proto__": got a mapping, expected/],
      ['params.valueOf=1', /unknown parameter of workload "any-names"/],
      ['__proto__=1', /key "__proto__": unknown key/],
      ['dataset.constructor=1', /key "dataset.constructor": unknown key/],
    ] as const) {
      expect(await refusedHere(box.folder, path, [set])).toMatch(message)
      if (!FULL) continue
      const { code, stderr } = await box.stint('run', path, '--out', box.results, '--set', set, '--quiet')
      expect(stderr).toMatch(message)
      expect(code).toBe(2)
    }
  })
})
