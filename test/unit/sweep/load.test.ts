import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadSweep } from '../../../harness/sweep/load.ts'
import type { Sweep } from '../../../harness/sweep/types.ts'
import { CORES, folderWith, load, refusals } from './sweep-file.ts'

const scenariosFolder = join(import.meta.dirname, '../../../scenarios')
const ids = (sweep: Sweep): string[] => sweep.scenarios.map((scenario) => scenario.id)
const labels = (sweep: Sweep): string[] => sweep.scenarios.map((scenario) => scenario.label)

describe('a dash that is not quoted', () => {
  const sourceOf = (text: string, set: string[] = []) => {
    const { sweep } = load(text, { set })
    return sweep.scenarios.map(({ dataset }) => dataset !== null && dataset.kind === 'file' && dataset.path)
  }

  it.each([
    'dataset:\n  source: -\n  target: y\n',
    'dataset:\n  source: -   # what is piped in\n  target: y\n',
    'dataset:\r\n  source: -\r\n  target: y\r\n',
    'dataset: { source: -, target: y }\n',
    'dataset: { target: y, source: - }\n',
    'dataset: {source: -}\n',
    'dataset: { source: "-" }\n',
    'dataset:\n  source: -',
    'grid: { dataset.source: [-] }\n',
  ])('stands for standard input: %j', (text) => {
    expect(sourceOf(`name: a\n${text}`)).toEqual(['-'])
  })

  it('does so on the command line', () => {
    const text = 'name: a\ndataset: { source: gone.csv, target: y }\n'
    expect(sourceOf(text, ['dataset.source=-'])).toEqual(['-'])
    expect(sourceOf(text, ['dataset={ source: -, target: y }'])).toEqual(['-'])
  })

  it('is nothing else elsewhere, and moves no place', () => {
    const text =
      'name: a\ndataset: { source: -, target: y }\nparams:\n  "a, -": -1\n  b: "x: -"\n  c: x, -\ninclude:\n  -\n    chunk_size: 8\n'
    expect(load(text).sweep.scenarios.map(({ params }) => params)).toEqual([
      { 'a, -': -1, b: 'x: -', c: 'x, -' },
    ])
    expect(refusals('name: a\ndataset: { source: -, chunk: - }\n')).toEqual([
      'sweep.yaml:2:23: key "dataset.chunk": unknown key',
    ])
    expect(refusals('name: a\nchunk_size: -\n')).toEqual([
      'sweep.yaml:2:13: key "chunk_size": got "-", expected a whole number, 1 to 1000000000',
    ])
  })
})

describe('a sweep', () => {
  it.each([
    ['1', '1'],
    ['true', 'true'],
    ['">50K"', '>50K'],
  ])('takes %s for the positive label', (written, positive) => {
    const text = `name: p\ndataset: { source: d.csv, target: y, positive: ${written} }\n`
    const { sweep } = load(text, {}, { 'd.csv': 'x,y\n1,2\n' })
    expect(sweep.scenarios[0]!.dataset).toMatchObject({ positive })
  })

  it('has a goal of bounds in any order and spacing, or of one metric', () => {
    const goalOf = (text: string, set: string[] = []) => load(`name: g\n${text}`, { set }).sweep.goal
    expect(goalOf('')).toBeNull()
    expect(goalOf('goal: { minimize: cpu_s }\n')).toEqual({
      objective: { metric: 'cpu_s', direction: 'minimize' },
      subject_to: [],
    })
    expect(goalOf('goal:\n  subject_to:\n    - latency_p99_ms<=2e1\n    - my score  >  -0.5\n')).toEqual({
      objective: null,
      subject_to: [
        { metric: 'latency_p99_ms', operator: '<=', bound: 20 },
        { metric: 'my score', operator: '>', bound: -0.5 },
      ],
    })
    expect(goalOf('goal: { subject_to: [r2 >= 0, r2 <= 0] }\n', ['goal.maximize=r2'])).toMatchObject({
      objective: { metric: 'r2', direction: 'maximize' },
      subject_to: [{ operator: '>=' }, { operator: '<=' }],
    })
  })

  it('has documented defaults', () => {
    const { sweep } = load('name: plain\n')
    expect(sweep).toMatchObject({
      name: 'plain',
      workload: 'pipeline',
      axes: [],
      benchmark_runs: 5,
      n_jobs: 1,
      random_seed: 42,
      chunk_log: 'first',
      compare: {
        reference: null,
        metrics: ['latency_p50_ms', 'latency_mean_ms', 'throughput_rows_s', 'peak_memory_mb'],
        alpha: 0.05,
        correction: 'holm',
        margin: 0.02,
      },
    })
    expect(sweep.scenarios).toHaveLength(1)
    expect(sweep.scenarios[0]).toMatchObject({
      label: 'plain',
      dataset: null,
      params: {},
      settings: {
        mode: 'streaming',
        chunk_size: 256,
        batch_size: 64,
        max_memory_mb: null,
        max_compute_units: null,
        memory_scope: 'workload',
        caps: 'strict',
        pin_core: null,
        warmup_chunks: 20,
        timeout_s: 120,
        random_seed: 42,
        'arrival.rate': null,
        'arrival.pattern': 'poisson',
        'arrival.duty': 0.2,
        'arrival.factor': 4,
        'arrival.period_ms': 1000,
        'arrival.column': null,
        'arrival.speed': 1,
        'arrival.through': null,
        duration_s: null,
        max_wait_ms: 0,
        deadline_ms: null,
        'queue.limit_rows': null,
        'queue.when_full': 'block',
        label_delay_ms: 0,
      },
    })
    expect(Object.keys(sweep.scenarios[0]!.point)).toEqual([
      'mode',
      'chunk_size',
      'batch_size',
      'max_memory_mb',
      'max_compute_units',
      'memory_scope',
      'caps',
      'pin_core',
      'warmup_chunks',
      'timeout_s',
      'random_seed',
      'arrival.rate',
      'arrival.pattern',
      'arrival.duty',
      'arrival.factor',
      'arrival.period_ms',
      'arrival.column',
      'arrival.speed',
      'arrival.through',
      'duration_s',
      'max_wait_ms',
      'deadline_ms',
      'queue.limit_rows',
      'queue.when_full',
      'label_delay_ms',
    ])
  })

  it('takes Benjamini-Hochberg for the correction', () => {
    expect(load('name: a\ncompare: { correction: bh }\n').sweep.compare.correction).toBe('bh')
  })

  it('crosses settings, params and dataset keys', () => {
    const { sweep } = load(`
name: a
dataset: { generate: nba2k, rows: 10 }
params: { learner: ridge, depth: 2 }
grid:
  params.learner: [sgd, ridge]
  dataset.rows: [10, 20]
  max_memory_mb: [null, 64]
`)
    expect(sweep.axes).toEqual(['params.learner', 'dataset.rows', 'max_memory_mb'])
    expect(labels(sweep).slice(0, 3)).toEqual([
      'params.learner=sgd dataset.rows=10 max_memory_mb=none',
      'params.learner=sgd dataset.rows=10 max_memory_mb=64',
      'params.learner=sgd dataset.rows=20 max_memory_mb=none',
    ])
    expect(sweep.scenarios.at(-1)).toMatchObject({
      params: { learner: 'ridge', depth: 2 },
      dataset: { kind: 'generate', preset: 'nba2k', rows: 20, seed: 42 },
      point: {
        'params.learner': 'ridge',
        'params.depth': 2,
        'dataset.generate': 'nba2k',
        'dataset.rows': 20,
      },
      settings: { max_memory_mb: 64 },
    })
  })

  describe('keys of the dataset that hold lists and mappings', () => {
    const files = { 'd.csv': 'x,price,y\n1,2,3\n' }
    const top = 'name: a\ndataset: { source: d.csv, target: y, columns: { x: number } }\n'
    const datasets = (text: string, set: string[] = []) =>
      load(top + text, { set }, files).sweep.scenarios.map(({ dataset }) => dataset)

    it('vary as axes: missing, features, and the kind of a column', () => {
      expect(datasets('grid: { dataset.missing: [[], [none, "-1"]] }\n')).toMatchObject([
        { missing: [] },
        { missing: ['none', '-1'] },
      ])
      const power = { op: 'power', of: 'x' }
      expect(datasets('grid: { dataset.features: [[], [{ op: power, of: x }]] }\n')).toMatchObject([
        { features: [] },
        { features: [power] },
      ])
      const grid = 'grid: { dataset.columns.price: [category, { kind: number, unit: kg }] }\n'
      expect(datasets(grid)).toMatchObject([
        { columns: { x: 'number', price: 'category' } },
        { columns: { x: 'number', price: { kind: 'number', unit: 'kg' } } },
      ])
      const { sweep } = load(top + grid, {}, files)
      expect(sweep.axes).toEqual(['dataset.columns.price'])
      expect(labels(sweep)).toEqual([
        'dataset.columns.price=category',
        'dataset.columns.price={"kind":"number","unit":"kg"}',
      ])
      expect(new Set(sweep.scenarios.map(({ id }) => id)).size).toBe(2)
    })

    it('stand in include, exclude and the reference as well', () => {
      const grid = 'grid: { dataset.missing: [[], [a], [b]], chunk_size: [1, 2] }\n'
      const rest = 'exclude: [{ dataset.missing: [b] }]\ninclude: [{ dataset.missing: [c] }]\n'
      const { sweep } = load(
        `${top}${grid}${rest}compare: { reference: { dataset.missing: [] } }\n`,
        {},
        files,
      )
      expect(sweep.scenarios.map(({ point }) => point['dataset.missing'])).toEqual([
        '[]',
        '[]',
        '["a"]',
        '["a"]',
        '["c"]',
      ])
      expect(sweep.compare.reference).toEqual({ 'dataset.missing': '[]' })
    })

    it('are held fast by --set', () => {
      const grid = 'grid: { dataset.columns.price: [category, number], dataset.missing: [[], [a]] }\n'
      const set = ['dataset.columns.price=number', 'dataset.missing=[z]']
      expect(datasets(grid, set)).toMatchObject([{ missing: ['z'], columns: { price: 'number' } }])
      const whole = ['dataset={ source: d.csv, target: y, missing: [q], columns: { price: number } }']
      expect(datasets(grid, whole)).toMatchObject([{ missing: ['q'], columns: { price: 'number' } }])
      expect(datasets('', ['grid.dataset.columns.price=[category, number]'])).toHaveLength(2)
    })
  })

  it('excludes by partial match and adds includes with what stands at the top', () => {
    const { sweep } = load(`
name: a
batch_size: 8
grid: { chunk_size: [64, 128], max_memory_mb: [32, 64] }
exclude: [{ chunk_size: 64, max_memory_mb: 32 }]
include: [{ chunk_size: 4096, random_seed: 7 }]
`)
    expect(sweep.axes).toEqual(['chunk_size', 'max_memory_mb', 'random_seed'])
    expect(labels(sweep)).toEqual([
      'chunk_size=64 max_memory_mb=64 random_seed=42',
      'chunk_size=128 max_memory_mb=32 random_seed=42',
      'chunk_size=128 max_memory_mb=64 random_seed=42',
      'chunk_size=4096 max_memory_mb=none random_seed=7',
    ])
    expect(sweep.scenarios.at(-1)!.settings.batch_size).toBe(8)
  })

  it('has the includes alone where there is no grid', () => {
    const { sweep } = load('name: a\ninclude: [{ chunk_size: 1 }, { chunk_size: 2 }]\n')
    expect(labels(sweep)).toEqual(['chunk_size=1', 'chunk_size=2'])
  })
})

describe('profiles', () => {
  it('win over the top of the sweep and lose to the grid', () => {
    const { sweep } = load(`
name: a
chunk_size: 1000
batch_size: 1000
warmup_chunks: 3
profiles: [edge, server]
grid: { batch_size: [5] }
compare: { reference: { profile: server } }
`)
    expect(
      sweep.scenarios.map(({ point }) => [point['profile'], point['chunk_size'], point['batch_size']]),
    ).toEqual([
      ['edge', 64, 5],
      ['server', 256, 5],
    ])
    expect(sweep.scenarios.every(({ settings }) => settings.warmup_chunks === 3)).toBe(true)
    expect(sweep.scenarios[0]!.settings.max_compute_units).toBe(0.4)
  })

  it('may be a file beside the sweep', () => {
    const files = { 'tiny.yaml': 'description: tiny\nchunk_size: 2\n' }
    const { sweep } = load('name: a\nprofiles: [./tiny.yaml, edge]\n', {}, files)
    expect(sweep.scenarios[0]!.point).toMatchObject({ profile: './tiny.yaml', chunk_size: 2 })
  })

  it('have their own problems, in their own file', () => {
    const files = { 'tiny.yaml': 'description: tiny\nchunk_sise: 2\nbatch_size: 0\n' }
    expect(refusals('name: a\nprofiles: [tiny.yaml, sever, gone.yaml]\n', {}, files)).toEqual([
      'tiny.yaml:2:1: key "chunk_sise": unknown key; did you mean "chunk_size"?',
      'tiny.yaml:3:13: key "batch_size": got 0, expected a whole number, 1 to 1000000000',
      'sweep.yaml:2:23: key "profiles[1]": no such profile; did you mean "server"?',
      'sweep.yaml:2:30: key "profiles[2]": no such file: gone.yaml',
    ])
  })

  it('may be named by an include', () => {
    const { sweep } = load('name: a\ngrid: { chunk_size: [9] }\ninclude: [{ profile: edge }]\n')
    expect(
      sweep.scenarios.map(({ point }) => [point['profile'], point['chunk_size'], point['batch_size']]),
    ).toEqual([
      [null, 9, 64],
      ['edge', 64, 96],
    ])
  })
})

describe('overrides', () => {
  const text = `
name: a
chunk_size: 32
profiles: [edge, server]
dataset: { generate: nba2k, rows: 10 }
grid: { max_compute_units: [0.5, 1], params.learner: [sgd, ridge] }
exclude: [{ max_compute_units: 0.5, params.learner: sgd }]
compare: { reference: { max_compute_units: 1 } }
`

  it('replace an axis by one value that wins over everything', () => {
    const { sweep } = load(text, { set: ['max_compute_units=0.25', 'params.learner=pa', 'chunk_size=7'] })
    expect(sweep.axes).toEqual(['profile'])
    expect(sweep.scenarios.map(({ settings, params }) => ({ ...settings, ...params }))).toEqual([
      expect.objectContaining({ chunk_size: 7, max_compute_units: 0.25, learner: 'pa', batch_size: 96 }),
      expect.objectContaining({ chunk_size: 7, max_compute_units: 0.25, learner: 'pa', batch_size: 512 }),
    ])
  })

  it('give a new axis', () => {
    const { sweep } = load(text, { set: ['grid.chunk_size=[1, 2]', 'profiles=[edge]', 'dataset.rows=99'] })
    expect(sweep.axes).toEqual(['profile', 'max_compute_units', 'params.learner', 'chunk_size'])
    expect(sweep.scenarios).toHaveLength(6)
    expect(sweep.scenarios[0]!.dataset).toMatchObject({ rows: 99 })
  })

  it('let the last of two win', () => {
    const last = (...set: string[]): unknown[] =>
      load('name: a\n', { set }).sweep.scenarios.map((scenario) => scenario.settings.chunk_size)
    expect(last('chunk_size=1', 'grid.chunk_size=[2, 3]')).toEqual([2, 3])
    expect(last('grid.chunk_size=[2, 3]', 'chunk_size=1')).toEqual([1])
    expect(last('chunk_size=1', 'chunk_size=4')).toEqual([4])
  })

  it('set runs, jobs and seed', () => {
    const { sweep } = load('name: a\ngrid: { random_seed: [1, 2] }\n', { runs: 3, jobs: 2, seed: 9 })
    expect(sweep).toMatchObject({ benchmark_runs: 3, n_jobs: 2, random_seed: 9, axes: [] })
    expect(sweep.scenarios.map((scenario) => scenario.settings.random_seed)).toEqual([9])
  })

  it('replace a grid with what the sweep says of its axes', () => {
    const text = 'name: a\ngrid: { chunk_size: [1, 2] }\ncompare: { reference: { chunk_size: 1 } }\n'
    const { sweep } = load(text, { set: ['grid={ batch_size: [3, 4] }'] })
    expect(sweep.axes).toEqual(['batch_size'])
    expect(sweep.scenarios).toHaveLength(2)
  })

  it('merge includes that they make equal', () => {
    const include = 'name: a\ngrid: { chunk_size: [1, 2] }\ninclude: [{ chunk_size: 3 }]\n'
    expect(load(include, { set: ['chunk_size=5'] }).sweep.scenarios).toHaveLength(1)
  })

  it.each([
    ['chunk_size', '--set chunk_size: expected path=value'],
    ['=5', '--set =5: expected path=value'],
    ['chunk_size=[1', /^--set chunk_size=\[1: Flow sequence/],
    ['chunk_sise=1', '--set chunk_sise=1: key "chunk_sise": unknown key; did you mean "chunk_size"?'],
    ['chunk_size=0', '--set chunk_size=0: key "chunk_size": got 0, expected a whole number, 1 to 1000000000'],
    ['grid.chunk_size=5', /^--set grid.chunk_size=5: key "grid.chunk_size": got 5, expected a list/],
    ['compare.reference.mode=batch', /key "compare.reference.mode": is no axis/],
  ])('refuse %s', (set, says) => {
    const messages = refusals('name: a\n', { set: [set] })
    if (typeof says === 'string') expect(messages).toEqual([says])
    else expect(messages).toEqual([expect.stringMatching(says)])
  })

  it('take paths from the current folder, the sweep from its own', () => {
    const folder = folderWith({ 'here.csv': 'x\n1\n' })
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, 'sub/there.csv'), 'x\n1\n')
    writeFileSync(join(folder, 'sub/work.mjs'), '')
    const path = join(folder, 'sub/sweep.yaml')
    writeFileSync(path, 'name: a\nworkload: ./work.mjs\ndataset: { source: there.csv }\n')
    const pathsOf = (set: string[]): unknown[] =>
      loadSweep(path, { set }, { cores: CORES, folder }).sweep.scenarios.map(({ dataset, point }) => [
        dataset?.kind === 'file' && dataset.path,
        point['dataset.source'],
      ])
    expect(pathsOf([])).toEqual([[join(folder, 'sub/there.csv'), 'there.csv']])
    expect(pathsOf(['dataset.source=here.csv'])).toEqual([[join(folder, 'here.csv'), 'here.csv']])
    expect(pathsOf(['grid.dataset.source=[here.csv]'])).toEqual([[join(folder, 'here.csv'), 'here.csv']])
    expect(loadSweep(path, {}, { cores: CORES }).sweep.workload).toBe(join(folder, 'sub/work.mjs'))
  })
})

describe('ids', () => {
  it('do not depend on key order, on axes, on what only the run needs, or on the folder', () => {
    const one = load('name: a\nchunk_size: 8\nparams: { b: 1, a: x }\n').sweep
    const other = load(
      'name: b\nn_jobs: 2\nbenchmark_runs: 9\ntimeout_s: 5\nrandom_seed: 1\nparams: { a: x }\n' +
        'batch_size: 64\ngrid: { params.b: [1], chunk_size: [8, 9] }\n',
    ).sweep
    expect(ids(other)[0]).toBe(ids(one)[0])
    expect(new Set(ids(other)).size).toBe(2)
  })

  it('hold: a change here orphans every recorded baseline', () => {
    const text =
      'name: a\ndataset: { generate: nba2k, rows: 5 }\nparams: { learner: ridge }\nmax_compute_units: 0.5\n'
    expect(ids(load(text).sweep)).toEqual(['s84t0j9bwa'])
  })

  it('have the seed in them only where it varies', () => {
    const fixed = load('name: a\nrandom_seed: 7\n').sweep
    const varied = load('name: a\ngrid: { random_seed: [7, 8] }\n').sweep
    expect(ids(fixed)).toEqual(ids(load('name: a\n').sweep))
    expect(new Set([...ids(varied), ...ids(fixed)]).size).toBe(3)
  })

  it('tell texts from numbers', () => {
    expect(new Set(ids(load('name: a\ngrid: { params.x: [1, "1", true, "true", null] }\n').sweep)).size).toBe(
      5,
    )
  })
})

describe('the sweeps that ship', () => {
  const shipped = (file: string, set: string[] = []): Sweep =>
    loadSweep(join(scenariosFolder, file), { set }, { cores: CORES }).sweep

  it('load', () => {
    expect(shipped('quickstart.yaml').scenarios.length).toBeGreaterThanOrEqual(8)
    expect(shipped('edge-vs-server.yaml').axes).toEqual(['profile'])
    expect(shipped('memory-ladder.yaml').axes).toEqual(['mode', 'max_memory_mb'])
    expect(shipped('own-workload.yaml').workload).toBe(resolve(scenariosFolder, 'own-workload.mjs'))
  })

  it('say what to do where the data must be given', () => {
    const csv = join(folderWith({ 'players.csv': 'x\n1\n' }), 'players.csv')
    expect(shipped('nba2k.yaml', [`dataset.source=${csv}`]).scenarios[0]!.params).toEqual({
      learner: 'ridge',
    })
    expect(() => shipped('nba2k.yaml')).toThrow(/--set dataset\.source=FILE/)
  })
})
