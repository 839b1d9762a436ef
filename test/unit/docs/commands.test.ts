/** Every stint command of every page and recipe is one that the command line takes, and every sweep one that loads. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { checkCommandLine } from '../../../harness/cli/command-line.ts'
import { loadSweep } from '../../../harness/sweep/load.ts'
import { checkParams } from '../../../harness/sweep/params.ts'
import { listProfiles, profileOf } from '../../../harness/sweep/profiles.ts'
import { infoFor } from '../../../workers/pipeline/describe.ts'
import { type Block, blocksOf, pages, root } from './pages.ts'

const blocks = pages().flatMap(blocksOf)
const RECIPES = 'docs/guides/ci'

/** Words of one line of a shell: quotes are taken off, and what follows a pipe, a redirection or a comment is left out. */
function wordsOf(line: string): string[] {
  const words = line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []
  const end = words.findIndex((word) => /^(?:\||\|\||&&|;|\d*>|<|#)/.test(word))
  return words.slice(0, end === -1 ? words.length : end).map((word) => word.replace(/["']/g, ''))
}

/** What stands after `stint` in each line that calls it. */
function stintWords(text: string): string[][] {
  const lines = text.replace(/\\\n\s*/g, ' ').split('\n')
  return lines.flatMap((line) => {
    const [, called] = /^(?:npx )?stint (.*)$/.exec(line.replace(/^\s*(?:- )?(?:run: )?/, '')) ?? []
    return called === undefined ? [] : [wordsOf(called)]
  })
}

describe('a command of a page', () => {
  const recipes = readdirSync(join(root, RECIPES)).map((name) => join(RECIPES, name))
  const commands = [
    ...blocks
      .filter(({ language }) => language === 'sh')
      .flatMap(({ place, text }) => stintWords(text).map((words) => ({ place, words }))),
    ...recipes.flatMap((place) =>
      stintWords(readFileSync(join(root, place), 'utf8')).map((words) => ({ place, words })),
    ),
  ]

  it('is one of many', () => expect(commands.length).toBeGreaterThan(20))

  it.each(commands)('is one that there is: $place stint $words', async ({ words }) => {
    await checkCommandLine(words)
  })

  it('is refused where it has an option that there is not', async () => {
    await expect(checkCommandLine(['run', 'sweep.yaml', '--speed', '3'])).rejects.toThrow('speed')
  })

  it('calls nothing else than what is known to be there', () => {
    const known = /^(?:npx stint|stint|npm|npx tsc|node|git|gh|run=|sudo|apt-get|mkdir|cd|export|#|$)/
    const strange = blocks
      .filter(({ language }) => language === 'sh')
      .flatMap(({ place, text }) => text.split('\n').map((line) => ({ place, line: line.trim() })))
      .filter(({ line }) => !known.test(line))
    expect(strange).toEqual([])
  })

  it('of npm is a script of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const texts = pages().map((page) => readFileSync(join(root, page), 'utf8'))
    const named = texts.flatMap((text) => [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!))
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((name) => scripts[name] === undefined && !OF_A_PROJECT.includes(name))).toEqual([])
  })
})

/** Scripts that a user's own project has. */
const OF_A_PROJECT = ['build']

describe('a sweep of a page', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pages-'))
    const rows = Array.from(
      { length: 60 },
      (_, i) => `${i},2020-01-0${1 + (i % 9)},${50 + i} m2,${i % 5},${i * 1000}`,
    )
    writeFileSync(join(folder, 'prices.csv'), `id,sold,area,rooms,price\n${rows.join('\n')}\n`)
    writeFileSync(join(folder, 'players.csv'), 'full_name,rating\nA,80\n')
    for (const { text } of blocks.filter(({ info }) => info === 'profile'))
      writeFileSync(join(folder, 'board.yaml'), text)
    mkdirSync(join(folder, 'bench'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const sweeps = blocks.filter(({ language, info }) => language === 'yaml' && info === '')
  /** Part of a sweep: what it leaves out is filled in. */
  const whole = ({ text }: Block): string => {
    const given = parse(text) as Record<string, unknown>
    const dataset = { generate: 'nba2k', rows: 2000 }
    return JSON.stringify({ name: 'part', ...(given['workload'] === undefined && { dataset }), ...given })
  }

  it('is one of many', () => expect(sweeps.length).toBeGreaterThan(8))

  it.each(sweeps)('loads: $place', (block) => {
    const [, name = 'sweep.yaml'] = /^# ([\w./-]+\.yaml)$/m.exec(block.text) ?? []
    const path = join(folder, name)
    const [, module] = /^workload: \.\/([\w-]+\.mjs)$/m.exec(block.text) ?? []
    if (module !== undefined) writeFileSync(join(folder, module), '')
    writeFileSync(path, /^name:/m.test(block.text) ? block.text : whole(block))
    const { sweep, locate } = loadSweep(path, {}, { cores: Math.max(4, availableParallelism()) })
    expect(sweep.scenarios.length).toBeGreaterThan(0)
    if (sweep.workload === 'pipeline') expect(checkParams(sweep, infoFor([]), locate).findings).toEqual([])
  })

  it('that is a profile can be named', () => {
    const profiles = blocks.filter(({ info }) => info === 'profile')
    expect(profiles.length).toBe(1)
    expect(profileOf(join(folder, 'board.yaml'), '--profile', 4).kernel_ops_s).toBeGreaterThan(0)
    expect(listProfiles().length).toBeGreaterThan(2)
  })

  it('that is of another tool is YAML', () => {
    for (const { text, place } of blocks.filter(({ info }) => info === 'gitlab' || info === 'github')) {
      const read = parseAllDocuments(text)
      expect(Array.isArray(read) ? read.flatMap(({ errors }) => errors) : read, place).toEqual([])
    }
  })
})

it('every block of code says what it is, so that none is passed over', () => {
  const known = [
    'sh',
    'yaml',
    'yaml profile',
    'yaml gitlab',
    'yaml github',
    'js',
    'ts',
    'json',
    'mermaid',
    'csv',
  ]
  /** Not run: what a program prints, the form of a line, and what needs another program. */
  const shown = ['text', 'text output', 'text form']
  /** Run by a test of its own, with what it needs. */
  const sessions = ['text session', 'text session namespaces', 'text session processes']
  const strange = blocks
    .map(({ place, language, info }) => ({ place, kind: `${language} ${info}`.trim() }))
    .filter(({ kind }) => ![...known, ...shown, ...sessions].includes(kind))
  expect(strange).toEqual([])
})
