/** What a user gets to read for bad input, and the exit codes: through the built command line. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { closeHere, refusedHere } from '../fixtures/check-here.ts'
import { type CliEnd, journalOf, Sandbox, trialsOf } from '../fixtures/cli.ts'

const FULL = process.env['STINT_FULL'] === '1'
/** Of what a dry run refuses, the command is tried with each so many-th, and a run with every second of them. */
const EACH_COMMAND = FULL ? 1 : 8
const EACH_RUN = FULL ? 1 : 2 * EACH_COMMAND

let box: Sandbox
beforeAll(() => {
  box = new Sandbox()
  box.write(
    'good.csv',
    `x,target\n${Array.from({ length: 40 }, (_, i) => `${(i * 7) % 13},${i}\n`).join('')}`,
  )
})
afterAll(async () => {
  await closeHere()
  box.remove()
})

/** One message, nothing on stdout, no stack, and nothing half written. */
function expectRefusal({ code, stdout, stderr }: CliEnd, message: RegExp): void {
  expect(stderr).toMatch(message)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr.match(/^stint: /gm)?.length).toBe(1)
  expect(stderr).not.toMatch(/\n {4}at |stint itself failed/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach the terminal
  expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  expect(existsSync(box.results)).toBe(false)
  expect(box.temporaryFiles()).toEqual([])
  expect(box.processes()).toEqual([])
}

const refused = (...words: string[]) => box.stint(...words, '--out', box.results)

describe('words that make no sense', () => {
  it.each([
    [[], /name a command/],
    [['rnu'], /no such command; did you mean "run"\?/],
    [['run'], /a word is missing/],
    [['run', 'a.yaml', '--frce'], /unknown option or word: frce/],
    [['run', 'a.yaml', '--no-frost'], /unknown option or word: no-frost/],
    [['agents', '--server'], /a value is missing after --server/],
    [['doctor', '--color=blue'], /--color: expected always, never or auto, not "blue"/],
    [['report', 'nowhere'], /nowhere: no such run folder/],
    [['resume', '.'], /not a run folder \(it holds no run\.json\)/],
    [['data', 'nba2k', '--rows', '-3', '--out', 'x.csv'], /--rows: expected a whole number of at least 1/],
    [['data', 'nothing', '--rows', '3', '--out', 'x.csv'], /unknown preset "nothing".*Presets: nba2k/],
  ])('%j', async (words, message) => {
    expectRefusal(await box.stint(...words), message)
    expect(existsSync(join(box.folder, 'x.csv'))).toBe(false)
  })
})

const bomb = `a: &a [1,1,1,1,1,1,1,1,1,1]\n${[...'bcdefghi'].map((name, i) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[i]}`)}]\n`).join('')}`

describe('a sweep file', () => {
  it.each([
    ['empty', '', /:1:1: the file is empty, expected a sweep/],
    ['no mapping', '- 1\n', /no mapping, expected a sweep/],
    ['broken', 'name: [\n', /:\d+:\d+: /],
    [
      'with an unknown key',
      'name: x\nchunksize: 4\n',
      /:2:1: key "chunksize": unknown key; did you mean "chunk_size"/,
    ],
    [
      'with a wrong type',
      'name: x\nchunk_size: many\n',
      /:2:13: key "chunk_size": got "many", expected a whole number/,
    ],
    [
      'with an empty grid list',
      'name: x\ngrid: { chunk_size: [] }\n',
      /got an empty list, expected a list of at least one value/,
    ],
    ['with a negative size', 'name: x\nbatch_size: -1\n', /key "batch_size": got -1/],
    [
      'with a size of zero',
      'name: x\nn_jobs: 0\nchunk_size: 0\n',
      /key "n_jobs": got 0[\s\S]*key "chunk_size": got 0/,
    ],
    [
      'with too little memory',
      'name: x\nmax_memory_mb: 1\n',
      /got 1, expected .*4 or more \(the least that a worker can start with\)/,
    ],
    ['with no processor', 'name: x\nmax_compute_units: 0\n', /key "max_compute_units": got 0/],
    ['that leads out of the folder', 'name: ../../etc/x\n', /key "name": got "\.\.\/\.\.\/etc\/x"/],
    [
      'with keys into objects',
      'name: x\n__proto__: { a: 1 }\nparams: { constructor: 1 }\n',
      /:2:1: key "__proto__": unknown key/,
    ],
    ['with an alias bomb', `name: x\n${bomb}`, /alias/i],
    ['with control characters', 'name: "x\\e[31m"\n"\\e[2J\\x9b": 1\n', /key "name"/],
    [
      'without its data',
      'name: x\ndataset: { source: none.csv, target: y }\n',
      /:2:\d+: key "dataset\.source": no such file/,
    ],
    ['without its module', 'name: x\nworkload: ./none.mjs\n', /key "workload": no such file/],
  ])('%s', async (_name, text, message) => {
    expectRefusal(await refused('run', box.write('bad.yaml', text)), message)
  })

  it('that misspells a parameter, which what is wrong with its learner does not hide', async () => {
    box.write('labels.csv', `x,kind\n${'1,a\n2,b\n3,c\n'.repeat(9)}`)
    const sweep = {
      name: 'x',
      dataset: { source: 'labels.csv', target: 'kind' },
      params: { learner: 'ridge', lamda: 2 },
    }
    const path = box.write('bad.yaml', JSON.stringify(sweep))
    const said = await refusedHere(box.folder, path)
    expect(said).toMatch(/unknown parameter of workload "pipeline"; did you mean "lambda"\?/)
    expect(said).not.toMatch(/predicts numbers/)
  })

  it('that does not exist', async () => {
    expectRefusal(await refused('run', 'nowhere.yaml'), /nowhere\.yaml:1:1: no such file/)
  })
})

describe('data', () => {
  it.each([
    ['empty', '', /data\.csv:1: the file is empty/, FULL],
    ['without rows', 'x,target\n', /data\.csv:1: the file has a header and no rows/, FULL],
    ['without the target', 'x,y\n1,2\n', /data\.csv:1: no column "target"\. Columns: x, y/, FULL],
    [
      'with a ragged row',
      'x,y,target\n1,2,3\n4,5\n',
      /data\.csv:3: expected 3 fields as in the header, found 2/,
      FULL,
    ],
    [
      'with a quote that stays open',
      'x,target\n"1,2\n3,4\n',
      /data\.csv:2: the quoted field that starts here is never closed/,
      FULL,
    ],
    ['with control characters', 'x\u001b[31m\u009b2J,y\n1,2\n', /no column "target"\. Columns: x/, true],
  ])('%s', async (_name, text, message, byCommand) => {
    box.write('data.csv', text)
    const sweep = { name: 'x', dataset: { source: 'data.csv', target: 'target' } }
    const path = box.write('bad.yaml', JSON.stringify(sweep))
    if (byCommand) expectRefusal(await refused('run', path, '--quiet'), message)
    else expect(await refusedHere(box.folder, path)).toMatch(message)
  })
})

describe('a module', () => {
  const modules: [what: string, text: string, message: RegExp][] = [
    ['that imports what is not there', 'import "no-such-package"\n', /did not load: .*no-such-package/],
    ['that throws, in colour', 'throw new Error("boom \\u001b[31m")\n', /did not load: Error: boom/],
    ['that does not parse', 'export default {\n', /did not load: SyntaxError/],
    // Of the executor, these are in execute.test.ts.
    [
      'that is no workload',
      'export default {}\n',
      /must have a default export with an open\(context\) function/,
    ],
    ['that ends its process', 'process.exit(3)\n', /ended its thread by process\.exit\(3\)/],
  ]
  it.each(FULL ? modules : modules.slice(0, 2))('%s', async (_name, text, message) => {
    box.write('bad.mjs', text)
    expectRefusal(
      await refused('run', box.write('bad.yaml', 'name: x\nworkload: ./bad.mjs\n'), '--quiet'),
      message,
    )
  })
})

describe('a results folder', () => {
  it('that is a file', async () => {
    const end = await box.stint('run', box.sweep({}), '--out', 'good.csv/below', '--quiet')
    expectRefusal(end, /good\.csv: is a file; --out needs a folder/)
  })

  it.skipIf(process.platform !== 'linux')('where nothing can be made', async () => {
    const end = await box.stint('run', box.sweep({}), '--out', '/proc/stint-results', '--quiet')
    expectRefusal(end, /\/proc: cannot write here/)
  })

  it('that is read-only', async (context) => {
    const folder = join(box.folder, 'read-only')
    mkdirSync(folder)
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', folder])
    if (status !== 0) context.skip('only root can mount')
    try {
      const end = await box.stint('run', box.sweep({}), '--out', folder, '--quiet')
      expectRefusal(end, /read-only: cannot write here \(EROFS/)
    } finally {
      spawnSync('umount', [folder])
    }
  })
})

describe('a dry run', () => {
  const refusals: [what: string, keys: string, message: RegExp, set?: string[]][] = [
    [
      'an unknown metric to stop by',
      'params: {}\nbenchmark_runs: { min: 3, max: 5, until: { metric: latency_men_ms, ci: 5% } }\n',
      /:3:\d+: key "benchmark_runs\.until\.metric": no metric called "latency_men_ms"; did you mean "latency_mean_ms"\?/,
    ],
    [
      'an unknown parameter',
      'params: { lerner: sgd }\n',
      /:2:\d+: key "params\.lerner": unknown parameter of workload "pipeline"; did you mean "learner"\?/,
    ],
    [
      'a wrong value in the grid',
      'grid: { params.learner: [sgd, rigde] }\n',
      /key "grid\.params\.learner\[1\]": got "rigde"/,
    ],
    [
      'a column that is not there',
      'dataset: { source: good.csv, target: price }\n',
      /good\.csv:1: no column "price"\. Columns: x, target/,
    ],
    ['an unknown preset', 'dataset: { generate: nba3k, rows: 100000000 }\n', /unknown preset "nba3k"/],
    [
      'a cap on the whole process that is less than Node takes',
      'memory_scope: process\ngrid: { max_memory_mb: [3000, 30] }\n',
      /:3:\d+: key "grid\.max_memory_mb\[1\]": memory_scope: process needs max_memory_mb \d+ or more/,
    ],
    [
      'a checkpoint in batch mode',
      'mode: batch\nparams: { checkpoint_to: state.json }\n',
      /:3:\d+: key "params\.checkpoint_to": checkpoints are for mode: streaming/,
    ],
    [
      'a checkpoint that is not there',
      'params: { resume_from: gone.json }\n',
      /:2:\d+: key "params\.resume_from": cannot read checkpoint .*gone\.json/,
    ],
    [
      'a checkpoint of other settings',
      'params: { resume_from: other.json }\n',
      /key "params\.resume_from": other\.json is a checkpoint of another run: .*learner was "sgd" and is "experts"/,
    ],
    [
      'a checkpoint in a folder that is not there',
      'params: { checkpoint_to: gone/state.json }\n',
      /key "params\.checkpoint_to": params\.checkpoint_to cannot be written: ENOENT/,
      ['params.checkpoint_to=gone/state.json'],
    ],
    [
      'features in place of the data',
      'benchmark_runs: 1\n',
      /key "params\.features_to": params\.features_to is the data itself/,
      ['params.features_to=good.csv'],
    ],
    [
      'a file of the user that Stint did not write',
      'benchmark_runs: 1\n',
      /params\.features_to names .*breaks\.mjs, which exists and is not what this parameter writes there: .*--overwrite/,
      ['params.features_to=breaks.mjs'],
    ],
    [
      'a file outside the run folder',
      'grid: { params.learner: [sgd, ridge], params.features_to: ["a/../../rows.csv"] }\n',
      /:2:\d+: key "grid\.params\.features_to\[0\]": got "a\/\.\.\/\.\.\/rows\.csv", which is no file below the run folder[\s\S]*such as "rows\.csv", or type it: --set params\.features_to=FILE/,
    ],
    [
      'one file for several trials',
      'grid: { params.learner: [sgd, ridge] }\nparams: { features_to: rows.csv }\nbenchmark_runs: 2\n',
      /:3:\d+: key "params\.features_to": 4 trials would write "rows\.csv", and each would replace[\s\S]*\{trial\}-rows\.csv/,
    ],
    ['a workload that is missing', 'workload: ./gone.mjs\ndataset: { source: good.csv }\n', /workload/],
    ['a workload that breaks', 'workload: ./breaks.mjs\n', /breaks\.mjs: broken/],
  ]

  it.each(refusals.map(([what, ...refusal], at) => [what, at, refusal] as const))(
    'refuses what a run refuses: %s',
    async (_what, at, [keys, message, set = []]) => {
      box.write('breaks.mjs', "export default { describe() { throw new Error('broken') }, open() {} }\n")
      const made_with = { learner: 'sgd' }
      box.write('other.json', JSON.stringify({ stint_checkpoint: 3, made_with, rows: 1, parts: {} }))
      const data =
        keys.includes('dataset') || keys.includes('workload')
          ? ''
          : 'dataset: { source: good.csv, target: target }\n'
      const sweep = box.write('dry.yaml', `name: dry\n${keys}${data}`)
      const words = ['run', sweep, ...set.flatMap((text) => ['--set', text])]
      if (at % EACH_COMMAND === 0) expectRefusal(await box.stint(...words, '--dry-run'), message)
      else expect(await refusedHere(box.folder, sweep, set)).toMatch(message)
      if (at % EACH_RUN === 0) expectRefusal(await refused(...words), message)
    },
  )

  it('gives each trial a file of its own where {trial} is in the name', async () => {
    const sweep = box.write(
      'files.yaml',
      'name: files\ndataset: { source: good.csv, target: target }\nparams: { features_to: "{trial}.features", learner: sgd }\nbenchmark_runs: 2\n',
    )
    const { code, stdout } = await box.stint('run', sweep, '--out', join(box.folder, 'kept'), '--quiet')
    expect(code).toBe(0)
    const trials = trialsOf(stdout.trim()).map(({ trial }) => `${trial}.features`)
    expect(trials).toHaveLength(2)
    expect(readdirSync(join(stdout.trim(), 'files')).sort()).toEqual(trials.sort())
    expect(readdirSync(box.folder).filter((name) => name.endsWith('.features'))).toEqual([])
  })

  it('asks the workload, opens it never, keeps nothing, and steers no terminal by what it shows', async () => {
    box.write(
      'opens.mjs',
      `import { writeFileSync } from 'node:fs'
export default {
  describe: () => ({ name: 'opens', dataset: 'optional', metrics: {}, params: { word: { type: 'string', default: '', description: '' } } }),
  open() { writeFileSync(${JSON.stringify(join(box.folder, 'opened'))}, ''); return null },
}\n`,
    )
    const sweep = box.write(
      'dry.yaml',
      'name: dry\nworkload: ./opens.mjs\ngrid: { params.word: [two, "\\e[2J\\e]0;three\\a"] }\nmax_memory_mb: 64\n',
    )
    const { code, stdout, stderr } = await box.stint('run', sweep, '--dry-run', '--out', box.results)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^\w{10} {2}params\.word=two\n\w{10} {2}params\.word=\ufffd\[2J\ufffd\]0;three\ufffd\n2 scenarios x 5 runs = 10 trials\n$/,
    )
    expect(existsSync(join(box.folder, 'opened'))).toBe(false)
    expect(existsSync(box.results)).toBe(false)
    expect(box.temporaryFiles()).toEqual([])
    expect(box.processes()).toEqual([])
  })
})

describe('a run', () => {
  let own: Sandbox
  afterEach(() => own.remove())

  it('says the folder alone on stdout, or one JSON object, or nothing of its progress', async () => {
    own = new Sandbox()
    const sweep = own.sweep({ benchmark_runs: 1 })
    const [plain, json, dry] = await Promise.all([
      own.stint('run', sweep, '--out', own.results),
      own.stint('run', sweep, '--out', own.results, '--json', '--quiet'),
      own.stint('run', sweep, '--out', own.results, '--dry-run', '--json'),
    ])
    expect([plain.code, json.code, dry.code]).toEqual([0, 0, 0])
    expect(own.runs()).toContain(plain.stdout.trim())
    expect(plain.stderr).toContain('swept: 1 scenario x 1 run = 1 trial\n')
    expect(plain.stderr).toContain('1/1 trial\n')
    expect(json.stderr).toBe('')
    expect(own.runs()).toContain(JSON.parse(json.stdout).run_folder)
    expect(JSON.parse(dry.stdout)).toMatchObject({ trials: 1 })
    expect(own.runs().length).toBe(2)
    expect(own.temporaryFiles()).toEqual([])
  })

  it('with a trial that fails is kept whole and leaves 4, and what it says cannot break out anywhere', async () => {
    own = new Sandbox()
    const evil = '=HYPERLINK("x")\u001b[31m\u009b2J<img src=x onerror=alert(1)>'
    own.write(
      'own.mjs',
      `export default {
  describe: () => ({ name: 'own', dataset: 'none', metrics: {}, params: { word: { type: 'string', default: '', description: '' } } }),
  open() { throw new Error(${JSON.stringify(evil)}) },
}\n`,
    )
    const sweep = own.write(
      'sweep.yaml',
      JSON.stringify({
        name: 'swept',
        workload: './own.mjs',
        grid: { 'params.word': [evil, 'calm'] },
        benchmark_runs: 1,
      }),
    )
    const { code, stdout, stderr } = await own.withPages(['run', sweep, '--out', own.results]).end
    const run = own.runs()[0]!
    expect([code, stdout]).toEqual([4, `${run}\n`])
    expect(trialsOf(run).map(({ outcome }) => outcome)).toEqual(['failed', 'failed'])
    const written = readdirSync(run, { recursive: true }).map(String)
    const texts = written.filter((name) => /report\.(md|html)$|\.csv$/.test(name))
    expect(texts.length).toBeGreaterThan(3)
    for (const text of [stderr, ...texts.map((name) => readFileSync(join(run, name), 'utf8'))]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not get out
      expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
    }
    const table = readFileSync(join(run, 'benchmarks', 'constraint_experiment.csv'), 'utf8')
    expect(table).toContain('HYPERLINK')
    expect(table).not.toMatch(/(^|[,"\n])=/)
    const page = readFileSync(join(run, 'reports', 'report.html'), 'utf8')
    expect(page).toContain('&lt;img src=x')
    expect(page).not.toContain('<img src=x')
  })

  // Hang-ups and signals to a whole group are in streams.test.ts.
  it.each(FULL ? (['SIGINT', 'SIGTERM'] as const) : (['SIGINT'] as const))(
    'ends by %s with 130, whole lines and no child',
    async (signal) => {
      own = new Sandbox()
      const sweep = own.sweep({ params: { ms: 300 }, benchmark_runs: 20, max_compute_units: 0.5 })
      const { child, end } = own.start(['run', sweep, '--out', own.results])
      await own.until(() => own.runs().length === 1 && journalOf(own.runs()[0]!) !== '', 'a first trial')
      await sleep(150)
      child.kill(signal)
      const { code, stdout, stderr } = await end
      expect([code, stdout]).toEqual([130, ''])
      const run = own.runs()[0]!
      expect(stderr).toContain(`"stint resume ${run}" runs the trials that are missing`)
      expect(journalOf(run).endsWith('\n')).toBe(true)
      expect(trialsOf(run).every(({ outcome }) => outcome === 'ok')).toBe(true)
      expect(own.processes()).toEqual([])
      expect(own.temporaryFiles()).toEqual([])
    },
  )
})
