/** The code of the pages, run as it stands in a project of its own; and the blocks that the pages take from the code. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadSweep } from '../../harness/index.ts'
import { checkHere, closeHere } from '../fixtures/check-here.ts'
import { command, trialsOf } from '../fixtures/cli.ts'
import { memoryFolder } from '../fixtures/memory-folder.ts'
import { type Block, blocksOf, pages, root } from '../unit/docs/pages.ts'

const FULL = process.env['STINT_FULL'] === '1'
const TSC = join(root, 'node_modules/typescript/bin/tsc')

/** The file that a block is, by the comment on its first line. */
const nameOf = ({ text }: Block): string | undefined =>
  /^(?:\/\/|#) ([\w./-]+\.\w+)$/m.exec(text.split('\n')[0]!)?.[1]
const named = (language: string) =>
  pages()
    .flatMap(blocksOf)
    .filter((block) => block.language === language)
    .flatMap((block) => {
      const name = nameOf(block)
      return name === undefined ? [] : [{ ...block, name }]
    })

/** The quickstart as programs run it: one scenario of one trial says as much as eight of two. */
const SMALLER = [
  ['runs: 2', 'runs: 1'],
  [
    "'grid.batch_size=[64]'",
    "'grid.params.learner=[sgd]', 'grid.max_compute_units=[1]', 'grid.params.features=[base]'",
  ],
] as const
/** Where one is written: a page takes a second. */
const NO_PAGE = ["format: 'html'", "format: 'markdown'"] as const

let folder: string
beforeAll(() => {
  folder = memoryFolder('pages-')
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules/stint'))
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  cpSync(join(root, 'scenarios'), join(folder, 'scenarios'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }')
  const rows = Array.from({ length: 60 }, (_, i) => `${50 + ((i * 37) % 90)},${1 + (i % 5)},${1000 * i}`)
  writeFileSync(join(folder, 'prices.csv'), `area,rooms,price\n${rows.join('\n')}\n`)
  for (const { name, text } of [...named('js'), ...named('ts'), ...named('yaml')]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
})
afterAll(async () => {
  await closeHere()
  rmSync(folder, { recursive: true, force: true })
})

function node(words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
  return { code: status, out: stdout.trim(), err: stderr }
}

async function stint(...words: string[]) {
  const { code, stdout, stderr } = await command(words, folder, process.env)
  return { code, out: stdout.trim(), err: stderr }
}

describe('code of a page', { timeout: 180_000 }, () => {
  it('in TypeScript compiles by the command beside it, strictly too', () => {
    const files = named('ts').map(({ name }) => name)
    expect(files.length).toBeGreaterThan(0)
    const words = ['--module', 'nodenext', '--target', 'es2022', '--skipLibCheck']
    const { code, out } = node([TSC, ...files, ...words, '--strict', '--ignoreConfig'])
    expect([code, out]).toEqual([0, ''])
  })

  const workloads = named('yaml').filter(({ text }) => /^workload: \.\//m.test(text))

  it('has a sweep for every workload', () => {
    const used = workloads.map(({ text }) => /^workload: \.\/([\w-]+)\./m.exec(text)![1])
    const modules = [...named('js'), ...named('ts')].filter(({ text }) => /^export default/m.test(text))
    expect(modules.length).toBeGreaterThan(3)
    expect(modules.map(({ name }) => name.split('.')[0]).filter((name) => !used.includes(name))).toEqual([])
  })

  it.each(workloads)('runs as a workload, every trial ok: $place', async ({ name }) => {
    const { code, out, err } = await stint(
      'run',
      name,
      '--quiet',
      '--export',
      ...(FULL ? ['markdown'] : ['csv', '--runs', '1']),
    )
    expect([code, err]).toEqual([0, expect.not.stringMatching(/failed|NaN/)])
    const trials = trialsOf(out)
    expect(trials.length).toBeGreaterThan(FULL ? 1 : 0)
    expect(new Set(trials.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
  })

  const programs = named('js').filter(({ text }) => /from 'stint'/.test(text))

  it.each(programs)('runs as a program: $place', ({ name, text }) => {
    if (!FULL) {
      for (const [was] of SMALLER) expect(text).toContain(was)
      writeFileSync(
        join(folder, name),
        [...SMALLER, NO_PAGE].reduce((program, [was, is]) => program.replace(was, is), text),
      )
    }
    const { code, out, err } = node([name])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/\d\.\d/)
  })

  const firstSteps = pages()
    .flatMap(blocksOf)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => [...text.matchAll(/^npx stint ((?:run|init) [\w.]+\.csv .*?) *(?:#.*)?$/gm)])
    .map(([, words]) => words!)

  it('shows how to run a data file, and to write a sweep for it', () => {
    expect(firstSteps).toEqual(['run prices.csv --target price', 'init prices.csv --target price'])
  })

  it.each(firstSteps)('runs as it stands: stint %s', async (words) => {
    const small = [
      '--export',
      'csv',
      '--runs',
      '1',
      '--set',
      'grid.batch_size=[16]',
      '--set',
      'grid.max_compute_units=[1]',
    ]
    const fewer = !FULL && words.startsWith('run') ? small : []
    const { code, out } = await stint(...words.split(' '), ...fewer)
    expect(code).toBe(0)
    if (words.startsWith('run'))
      expect(trialsOf(out).map(({ outcome }) => outcome)).toEqual(Array(FULL ? 20 : 1).fill('ok'))
    else expect((await checkHere(folder, () => loadSweep(out))).trials).toBeGreaterThan(0)
  })

  // Those with a workload of their own ran above.
  const others = named('yaml').filter((block) => FULL || !workloads.some(({ name }) => name === block.name))

  it.each(others.filter(({ text }) => /^dataset:/m.test(text)))(
    'lists its scenarios: $place',
    async ({ name }) => {
      if (!FULL) {
        const { scenarios, trials } = await checkHere(folder, () => loadSweep(name))
        expect(scenarios).toBeGreaterThan(0)
        expect(trials).toBeGreaterThanOrEqual(scenarios)
        return
      }
      const { code, out, err } = await stint('run', name, '--dry-run')
      expect([code, err]).toEqual([0, ''])
      expect(out).toMatch(/\d+ scenarios? x /)
    },
  )
})

it('what pages take from the code is up to date', { timeout: 180_000 }, () => {
  const { code, err } = node([join(root, 'scripts/docs.mjs'), '--check'])
  expect([code, err]).toEqual([0, ''])
})
