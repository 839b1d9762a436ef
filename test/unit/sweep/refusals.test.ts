import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadSweep, sweepFromData } from '../../../harness/sweep/load.ts'
import { checkParams } from '../../../harness/sweep/params.ts'
import { formatProblem, SweepError } from '../../../harness/sweep/problems.ts'
import { CORES, folderWith, load, problemsOf, refusals } from './sweep-file.ts'

const FULL = process.env['STINT_FULL'] === '1'

const positive = 'expected a whole number, 1 to 1000000000'

describe('keys', () => {
  it('suggests the nearest valid key, with file, line and column', () => {
    const [problem] = problemsOf(() => load('name: a\ngrid:\n  chunk_sise: [64]\n'))
    expect(problem).toMatchObject({
      message: 'sweep.yaml:3:3: key "grid.chunk_sise": unknown key; did you mean "chunk_size"?',
      line: 3,
    })
    expect(problem!.file).toMatch(/sweep\.yaml$/)
    expect(problem!.hint).toMatch(
      /^nearest of \d\d keys allowed here: chunk_size, \w+, \w+; "stint schema" describes all$/,
    )
  })

  it.each([
    ['chunkSize: 4', 'sweep.yaml:2:1: key "chunkSize": unknown key; did you mean "chunk_size"?'],
    ['runs: 4', 'sweep.yaml:2:1: key "runs": unknown key; did you mean "benchmark_runs"?'],
    ['adaptive_resize: true', 'sweep.yaml:2:1: key "adaptive_resize": unknown key'],
    ['gates: {}', 'sweep.yaml:2:1: key "gates": unknown key; did you mean "gate"?'],
    ['gate: { margin: 2% }', 'sweep.yaml:2:9: key "gate.margin": unknown key; did you mean "margins"?'],
    [
      'gate: { margins: { cpu_s: 3 } }',
      'sweep.yaml:2:27: key "gate.margins.cpu_s": got 3, expected a share from 0% to 1000%, such as 2% or 0.02; from 1 on with its sign, such as 100%',
    ],
    ['gate: { acept: [] }', 'sweep.yaml:2:9: key "gate.acept": unknown key; did you mean "accept"?'],
    [
      'gate: { accept: [{ metric: cpu_s, metrc: a, until: v1, to: 2%, why: a }] }',
      'sweep.yaml:2:35: key "gate.accept[0].metrc": unknown key; did you mean "metric"?',
    ],
    ['goal: { maximise: r2 }', 'sweep.yaml:2:9: key "goal.maximise": unknown key; did you mean "maximize"?'],
    [
      'env: [NODE_OPTIONS]',
      expect.stringMatching(
        /^sweep\.yaml:2:7: key "env\[0\]": got "NODE_OPTIONS", expected a variable that trials may see: NODE_OPTIONS, .* would defeat caps/,
      ),
    ],
    [
      'env: [A=1, "", 7]',
      expect.stringMatching(
        /key "env\[0\]": got "A=1", expected the name of an environment variable, and no value/,
      ),
      expect.stringMatching(/key "env\[1\]": got "", expected the name of/),
      expect.stringMatching(/key "env\[2\]": got 7, expected a list of names of environment variables/),
    ],
    [
      'env: HOME',
      'sweep.yaml:2:6: key "env": got "HOME", expected a list of names of environment variables, such as [PYTHONPATH]',
    ],
    ['goals: { maximize: r2 }', 'sweep.yaml:2:1: key "goals": unknown key; did you mean "goal"?'],
    ['dataset: { file: a.csv }', 'sweep.yaml:2:12: key "dataset.file": unknown key'],
    ['compare: { alhpa: 0.1 }', 'sweep.yaml:2:12: key "compare.alhpa": unknown key; did you mean "alpha"?'],
    [
      'include: [{ chunk: 4 }]',
      'sweep.yaml:2:13: key "include[0].chunk": unknown key; did you mean "chunk_size"?',
    ],
    ['params.learner: ridge', 'sweep.yaml:2:1: key "params.learner": unknown key'],
    ['grid: { n_jobs: [1, 2] }', 'sweep.yaml:2:9: key "grid.n_jobs": unknown key'],
    ['grid: { workload: [a.mjs, b.mjs] }', 'sweep.yaml:2:9: key "grid.workload": unknown key'],
    [
      'grid: { dataset.missing: [NA, x] }',
      'sweep.yaml:2:27: key "grid.dataset.missing[0]": got "NA", expected a list of spellings',
      'sweep.yaml:2:31: key "grid.dataset.missing[1]": got "x", expected a list of spellings',
    ],
    [
      'grid: { dataset.missing: [[a], [b], [a]] }',
      'sweep.yaml:2:37: key "grid.dataset.missing[2]": a list is in the list already',
    ],
    [
      'grid: { dataset.columns.x: [number, nummber] }',
      expect.stringContaining(
        'sweep.yaml:2:37: key "grid.dataset.columns.x[1]": got "nummber", expected one of',
      ),
    ],
    [
      'grid: { dataset.features: [[{ op: powr, of: x }]] }',
      expect.stringContaining(
        'sweep.yaml:2:35: key "grid.dataset.features[0][0].op": got "powr", expected one',
      ),
    ],
    ['<<: { chunk_size: 4 }', 'sweep.yaml:2:1: key "<<": unknown key'],
  ])('refuses %s', (line, ...messages) => {
    expect(refusals(`name: a\n${line}\n`)).toEqual(messages)
  })

  it('says where a key belongs', () => {
    const hintOf = (text: string): string | undefined => problemsOf(() => load(`name: a\n${text}\n`))[0]!.hint
    expect(hintOf('params.learner: ridge')).toBe('write it as a key of `params`: params: { learner: ... }')
    expect(hintOf('grid: { profiles: [edge] }')).toContain('profiles stand at the top')
    expect(hintOf('grid: { n_jobs: [1, 2] }')).toContain('holds for the whole run')
    for (const place of [
      'grid: { KEY: [a, b] }',
      'include: [{ KEY: a }]',
      'compare: { reference: { KEY: a } }',
    ]) {
      const hint = (key: string) => hintOf(place.replace('KEY', key))
      expect(hint('workload')).toContain(
        'write a sweep for each, run them, and set the runs against each other',
      )
      expect(hint('name')).toContain('a sweep has one name')
      expect(hint('dataset')).toContain('dataset.source: [a.csv, b.csv]')
      expect(hint('dataset.columns')).toContain('dataset.columns.price: [number, category]')
      expect(hint('params')).toContain('params.learner: [ridge, sgd]')
    }
  })

  it.each(['__proto__', 'constructor', 'toString'])('takes %s for a name as any other', (key) => {
    expect(refusals(`name: a\n${key}: { polluted: 1 }\n`)).toEqual([
      `sweep.yaml:2:1: key "${key}": unknown key`,
    ])
    expect(refusals(`name: a\nparams:\n  ${key}: {}\n`)).toEqual([
      expect.stringContaining(`sweep.yaml:3:${key.length + 5}: key "params.${key}": got a mapping, expected`),
    ])
    expect(refusals('name: a\n', { set: [`dataset.${key}.b=1`] })).toEqual([
      expect.stringContaining(`key "dataset.${key}.b": unknown key`),
    ])
    for (const { sweep } of [
      load(`name: a\nparams:\n  ${key}: 1\n`),
      load('name: a\n', { set: [`params.${key}=1`] }),
      load(`name: a\ngrid: { params.${key}: [1] }\n`),
    ]) {
      expect(Object.entries(sweep.scenarios[0]!.params)).toEqual([[key, 1]])
      expect(sweep.scenarios[0]!.point[`params.${key}`]).toBe(1)
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('values', () => {
  it('refuses whatever is no bound on a metric', () => {
    const bounds = [
      'r2 = 0.5',
      'r2 => 0.5',
      '0.5 <= r2',
      'r2 >=',
      'r2 >= high',
      'r2 >= 50%',
      '1 <= r2 <= 2',
      '>= 1',
    ]
    const listed = bounds.map((text) => `  - "${text}"\n`).join('')
    expect(refusals(`name: a\ngoal:\n subject_to:\n${listed}`)).toEqual(
      bounds.map(
        (text, index) =>
          `sweep.yaml:${index + 4}:5: key "goal.subject_to[${index}]": got "${text}", expected METRIC <= NUMBER, such as "latency_p99_ms <= 20"; operators: <=, <, >=, >`,
      ),
    )
  })

  it.each([
    ['chunk_size: 0', `got 0, ${positive}`],
    ['chunk_size: -4', `got -4, ${positive}`],
    ['chunk_size: 1.5', `got 1.5, ${positive}`],
    ['chunk_size: "64"', `got "64", ${positive}`],
    ['chunk_size: .nan', `got NaN, ${positive}`],
    ['chunk_size: .inf', `got Infinity, ${positive}`],
    ['chunk_size: [64]', `got a list, ${positive}`],
    ['chunk_size:', `got null, ${positive}`],
    ['mode: real', 'got "real", expected one of batch, streaming, realtime'],
    [
      'max_compute_units: 0.01',
      /got 0.01, expected a share of one core from 0.05 to 4 \(the cores of this machine\)/,
    ],
    ['max_compute_units: 4.5', /got 4.5, expected a share of one core from 0.05 to 4/],
    ['max_memory_mb: 1', /got 1, expected a number of MB, 4 or more/],
    ['benchmark_runs: 0', 'got 0, expected a whole number, 1 to 999'],
    ['benchmark_runs: [5]', /got a list, expected a whole number, 1 to 999, or a mapping, such as {/],
    ['random_seed: -1', 'got -1, expected a whole number, 0 to 4294967295'],
    ['timeout_s: 0', 'got 0, expected a number of seconds, 0.1 to 86400'],
    ['caps: loose', 'got "loose", expected one of strict, best_effort'],
    [
      'workload: 5',
      'got 5, expected `pipeline`, a path to a module, or a program, such as { command: [python3, model.py] }',
    ],
    ['params: { a: [1] }', /got a list, expected a text, a number, true, false or null/],
    ['goal: r2', /got "r2", expected a mapping, such as { maximize: r2, subject_to: \[/],
    ['goal: {}', /got a mapping without a key, expected a mapping, such as { maximize: r2/],
    ['goal: { maximize: [r2] }', 'got a list, expected the name of a metric, such as r2'],
    ['goal: { maximize: r2, minimize: cpu_s }', 'stands beside maximize: a goal has one metric to make best'],
    ['goal: { subject_to: r2 >= 0.5 }', /got "r2 >= 0.5", expected a list of bounds, such as \[/],
    ['goal: { subject_to: [] }', /got an empty list, expected a list of bounds/],
    ['goal: { subject_to: [a <= 5, a < 4] }', 'bounds a from the same side as "a <= 5"'],
    ['goal: { subject_to: [a <= 5, a >= 6] }', 'contradicts "a <= 5": no value meets both'],
    ['goal: { subject_to: [a > 5, a <= 5] }', 'contradicts "a > 5": no value meets both'],
    ['profiles: []', 'got an empty list, expected a list of at least one profile, such as [edge, server]'],
    [
      'grid: { chunk_size: [] }',
      'got an empty list, expected a list of at least one value, such as [64, 256]',
    ],
    ['grid: { chunk_size: 64 }', 'got 64, expected a list of at least one value, such as [64, 256]'],
    ['grid: { chunk_size: [64, 2.5] }', `got 2.5, ${positive}`],
    ['grid: { dataset.rows: [-1] }', `got -1, ${positive}`],
    ['grid: 5', 'got 5, expected a mapping of axes to lists, such as { chunk_size: [64, 256] }'],
    [
      'include: { chunk_size: 4 }',
      'got a mapping, expected a list of mappings, such as [{ chunk_size: 64 }]',
    ],
    ['compare: { margin: 5 }', 'got 5, expected a share from 0% to below 100%, such as 2% or 0.02'],
    ['compare: { margin: x% }', 'got "x%", expected a share from 0% to below 100%, such as 2% or 0.02'],
    ['compare: { margin: 120% }', 'got "120%", expected a share from 0% to below 100%, such as 2% or 0.02'],
    ['compare: { correction: none }', 'got "none", expected holm or bh'],
    [
      'compare: { metrics: [] }',
      'got an empty list, expected a list of at least one metric, such as [latency_p50_ms]',
    ],
  ])('refuses %s', (line, says) => {
    const messages = refusals(`name: a\n${line}\n`)
    expect(messages).toHaveLength(1)
    if (typeof says === 'string') expect(messages[0]!.endsWith(`: ${says}`)).toBe(true)
    else expect(messages[0]).toMatch(says)
    expect(messages[0]).toMatch(/^sweep\.yaml:2:\d+: key "/)
  })

  it.each(['../up', 'a/b', '/abs', '.hidden', 'a..b', '', 'x'.repeat(65), 'a b', 'a\u0000'])(
    'refuses the name %j',
    (name) => {
      expect(refusals(`name: ${JSON.stringify(name)}\n`)[0]).toContain('expected a name of letters, digits')
    },
  )

  it('names a missing key', () => {
    expect(refusals('mode: batch\n')).toEqual([
      expect.stringMatching(/^sweep\.yaml:1:1: key "name": missing, expected a name of letters/),
    ])
  })

  it('refuses values that stand twice in an axis', () => {
    expect(refusals('name: a\ngrid:\n  chunk_size: [64, 128, 64]\nprofiles: [edge, edge]\n')).toEqual([
      'sweep.yaml:3:25: key "grid.chunk_size[2]": 64 is in the list already',
      'sweep.yaml:4:18: key "profiles[1]": "edge" is in the list already',
    ])
  })

  it('tells the default and the meaning of a setting', () => {
    const [problem] = problemsOf(() => load('name: a\nwarmup_chunks: x\n'))
    expect(problem!.hint).toMatch(/^warmup_chunks: chunks stepped through .* \(default 20\)$/)
  })

  it('reports all problems at once, in file order', () => {
    const text = [
      'chunk_size: 0',
      'grid:',
      '  bach_size: [1]',
      '  max_compute_units: [0.5, 99]',
      'name: ../x',
      'profiles: [egde]',
      'nonsense: 1',
      'workload: ./gone.mjs',
      'dataset: { source: gone.csv }',
    ].join('\n')
    const messages = refusals(text, { set: ['n_jobs=0'] })
    expect(messages.map((message) => message.split(': ').slice(0, 2).join(': '))).toEqual([
      'sweep.yaml:1:13: key "chunk_size"',
      'sweep.yaml:3:3: key "grid.bach_size"',
      'sweep.yaml:4:28: key "grid.max_compute_units[1]"',
      'sweep.yaml:5:7: key "name"',
      'sweep.yaml:6:12: key "profiles[0]"',
      'sweep.yaml:7:1: key "nonsense"',
      'sweep.yaml:8:11: key "workload"',
      'sweep.yaml:9:20: key "dataset.source"',
      '--set n_jobs=0: key "n_jobs"',
    ])
  })

  it('prints each problem with what to do next below it', () => {
    const hints = problemsOf(() => load('name: a\nchunk_size: 0\nfoo_bar: 1\n'))
    const error = new SweepError([
      { place: { file: 'f', line: 1, column: 2 }, key: 'k', what: 'w', hint: 'h' },
      { place: { option: '--seed 1' }, key: null, what: 'v' },
    ])
    expect(error.message).toBe('f:1:2: key "k": w\n  h\n--seed 1: v')
    expect(formatProblem(hints[0]!).split('\n')).toHaveLength(2)
  })
})

describe('a long axis or mapping', () => {
  const numbers = (length: number) => Array.from({ length }, (_, i) => i + 1)

  // Comparing every value with all before it would take minutes.
  it('of 400,000 values is refused for its length', () => {
    const data = { name: 'a', grid: { chunk_size: numbers(400_000) } }
    expect(problemsOf(() => sweepFromData(data, 'sweep.yaml'))).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('the grid has 400,000 scenarios, expected at most 200,000'),
      }),
    ])
  })

  it.each([FULL ? 20_000 : 5000])('of %i keys, one of them twice, is refused for that one', (count) => {
    const keys = numbers(count).map((n) => `k${n}: 1\n`)
    expect(refusals(`name: a\n${keys.join('')}k7: 2\n`)).toEqual([
      `sweep.yaml:${count + 2}:1: this key is given twice`,
    ])
  })

  it('that is wrong in every value is refused in twenty lines and a count', () => {
    const length = FULL ? 20_000 : 5000
    const { sweep, locate } = sweepFromData(
      { name: 'a', grid: { 'params.x': numbers(length) } },
      'sweep.yaml',
    )
    const x = { type: 'string', default: '', description: 'a text' } as const
    const { findings } = checkParams(
      sweep,
      { name: 'w', dataset: 'none', params: { x }, metrics: {} },
      locate,
    )
    expect(findings).toHaveLength(length)
    expect(findings.at(-1)).toMatchObject({ key: `grid.params.x[${length - 1}]` })
    const { message } = new SweepError(findings)
    expect(message.split('\n')).toHaveLength(41)
    expect(message).toMatch(/and (?:19|4),980 more problems; mend these first$/)
  })
})

describe('the file itself', () => {
  it.each([
    ['', 'sweep.yaml:1:1: the file is empty, expected a sweep: keys and values'],
    ['# nothing\n', 'sweep.yaml:1:1: the file is empty, expected a sweep: keys and values'],
    ['- a\n', 'sweep.yaml:1:1: this is no mapping, expected a sweep: keys and values'],
    ['just text\n', 'sweep.yaml:1:1: this is no mapping, expected a sweep: keys and values'],
    ['name: a\nname: b\n', 'sweep.yaml:2:1: this key is given twice'],
    ['name: a\nparams: { 1: x, "1": y }\n', 'sweep.yaml:2:17: this key is given twice'],
    ['name: a\ngrid:\n\tchunk_size: [1]\n', /^sweep\.yaml:3:1: Tabs are not allowed as indentation/],
    ['name: [a\n', /^sweep\.yaml:2:1: .*sequence/],
    ['name: a\n---\nname: b\n', 'sweep.yaml:2:1: a second document starts here'],
    ['name: !!js/function x\n', /^sweep\.yaml:1:7: Unresolved tag/],
    ['name: a\nparams: { x: *y }\n', 'sweep.yaml:2:14: alias *y has no anchor before it'],
    ['name: a\nprofiles: &p [*p]\n', 'sweep.yaml:2:15: alias *p contains itself'],
    ['? [a]\n: 1\n', 'sweep.yaml:1:3: a key must be plain text'],
  ])('refuses %j', (text, says) => {
    const messages = refusals(text)
    if (typeof says === 'string') expect(messages).toEqual([says])
    else expect(messages[0]).toMatch(says)
  })

  it('refuses an alias bomb', () => {
    const levels = 'bcdefghi'.split('').map((name) => {
      const below = String.fromCharCode(name.charCodeAt(0) - 1)
      return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${below}`).join(', ')}]`
    })
    expect(refusals(['a: &a [x]', ...levels].join('\n'))).toEqual([
      'sweep.yaml:1:1: aliases expand to more than 100 nodes',
    ])
  })

  it.each([
    [
      'lists in a line',
      `name: a\nparams: ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`,
      /^sweep\.yaml:2:\d+: /,
    ],
    ['lists that do not end', `name: a\nparams: ${'['.repeat(3000)}`, /^sweep\.yaml:2:\d+: /],
    [
      'mappings in a line',
      `name: a\nparams: ${'{ a: '.repeat(30_000)}1${' }'.repeat(30_000)}\n`,
      /^sweep\.yaml:2:\d+: /,
    ],
    ['dashes', `name: a\nparams:\n  ${'- '.repeat(100_000)}1\n`, /^sweep\.yaml:3:\d+: /],
    ['question marks', `name: a\nparams:\n  ${'? '.repeat(100_000)}1\n`, /^sweep\.yaml:3:\d+: /],
    [
      'indentation',
      Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''),
      /^sweep\.yaml:\d+:\d+: /,
    ],
  ])('refuses %s nested without end, and says where', (_what, text, place) => {
    const [message, ...more] = refusals(text)
    expect(message).toMatch(place)
    expect(message).toMatch(/values are nested more than 64 levels deep here$/)
    expect(more).toEqual([])
  })

  it('refuses nesting without end on the command line as well, in a message of a line', () => {
    const [message] = refusals('name: a\n', { set: [`params.x=${'['.repeat(50_000)}`] })
    expect(message).toMatch(/^--set params\.x=\[+\.\.\.: values are nested more than 64 levels deep here$/)
    expect(message!.length).toBeLessThan(200)
  })

  it('takes a few aliases', () => {
    const { sweep } = load('name: a\ngrid:\n  chunk_size: &sizes [1, 2]\n  batch_size: *sizes\n')
    expect(sweep.scenarios).toHaveLength(4)
  })

  it('refuses what is not there, a folder, and a huge file', () => {
    const folder = folderWith({ 'big.yaml': `# ${'x'.repeat(1 << 20)}\nname: a\n` })
    const at = (path: string): string[] =>
      problemsOf(() => loadSweep(path, {}, { cores: CORES, folder })).map(({ message }) => message)
    expect(at(join(folder, 'gone.yaml'))).toEqual(['gone.yaml:1:1: no such file'])
    expect(at(folder)[0]).toContain('this is a folder, expected a YAML file')
    expect(at(join(folder, 'big.yaml'))[0]).toContain('expected a sweep of at most 1048576')
  })
})

describe('parts that do not fit together', () => {
  it('refuses files that do not exist', () => {
    const messages = refusals('name: a\ndataset: { source: gone.csv }\n')
    expect(messages).toEqual(['sweep.yaml:2:20: key "dataset.source": no such file: gone.csv'])
    expect(refusals('name: a\ndataset: { source: . }\n')[0]).toContain('not a file')
    const [workload] = refusals('name: a\nworkload: piepline\n')
    expect(workload).toBe('sweep.yaml:2:11: key "workload": no workload called "piepline"')
  })

  it.each([
    [
      '{ source: a.csv, generate: nba2k, rows: 5 }',
      'both source and generate are given, expected one of them',
    ],
    ['{ rows: 5 }', 'neither source nor generate is given, expected one of them'],
    ['{ generate: nba2k }', 'rows are missing'],
    ['{ source: a.csv, seed: 3 }', 'goes with generated data only'],
    ['{ generate: nba2k, rows: 5, target: x }', 'goes with a source only'],
    ['{ generate: nba2k, rows: 5, columns: { x: number } }', 'goes with a source only'],
    [
      '{ source: a.csv, columns: { x: text } }',
      'got "text", expected one of number, boolean, category, date, hash, drop',
    ],
  ])('refuses the dataset %s', (dataset, says) => {
    const messages = refusals(`name: a\ndataset: ${dataset}\n`, {}, { 'a.csv': 'x\n1\n' })
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(says)
    expect(messages[0]).toMatch(/^sweep\.yaml:2:/)
  })

  it('refuses an exclude that matches nothing', () => {
    const text =
      'name: a\ngrid: { chunk_size: [64, 128] }\nexclude: [{ chunk_size: 64 }, { chunk_size: 65 }]\n'
    expect(refusals(text)).toEqual(['sweep.yaml:3:31: key "exclude[1]": matches no scenario of the grid'])
  })

  it('refuses to leave no scenario', () => {
    const text = 'name: a\ngrid: { chunk_size: [64] }\nexclude: [{ chunk_size: 64 }]\n'
    expect(refusals(text)).toEqual(['sweep.yaml:3:1: key "exclude": no scenario is left'])
  })

  it('refuses an include that is another scenario', () => {
    const text =
      'name: a\ngrid: { chunk_size: [64] }\ninclude: [{ chunk_size: 64 }, { chunk_size: 9 }, { chunk_size: 9 }]\n'
    expect(refusals(text)).toEqual([
      'sweep.yaml:3:11: key "include[0]": is the same scenario as one of the grid',
      'sweep.yaml:3:50: key "include[2]": is the same scenario as include[1]',
    ])
  })

  it('refuses a reference that pairs nothing', () => {
    const grid = 'name: a\ngrid: { chunk_size: [64, 128] }\n'
    expect(refusals(`${grid}compare: { reference: { batch_size: 64 } }\n`)).toEqual([
      'sweep.yaml:3:25: key "compare.reference.batch_size": is no axis of this sweep',
    ])
    expect(refusals(`${grid}compare: { reference: { chunk_size: 65 } }\n`)).toEqual([
      'sweep.yaml:3:37: key "compare.reference.chunk_size": got 65, which no scenario has',
    ])
  })

  it('refuses a grid beyond measure before it expands it', () => {
    const sizes = JSON.stringify(Array.from({ length: 700 }, (_, index) => index + 1))
    expect(refusals(`name: a\ngrid:\n  chunk_size: ${sizes}\n  batch_size: ${sizes}\n`)).toEqual([
      'sweep.yaml:2:1: key "grid": the grid has 490,000 scenarios, expected at most 200,000',
    ])
  })
})
