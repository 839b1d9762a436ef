/** The recipes in docs/guides/ci.md and docs/guides/ci/ name commands, options, settings and files that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import yargs from 'yargs'
import { compareCommand } from '../../../harness/cli/compare.ts'
import { gateCommand } from '../../../harness/cli/gate.ts'
import { historyCommand } from '../../../harness/cli/history.ts'
import { runCommand } from '../../../harness/cli/run.ts'
import { sweepFromData } from '../../../harness/sweep/load.ts'

const docs = fileURLToPath(new URL('../../../docs/guides/', import.meta.url))
const page = readFileSync(`${docs}ci.md`, 'utf8')
const files = readdirSync(`${docs}ci`)
const blocks = [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, kind = '', text = '']) => ({
  kind,
  text,
}))
const everything = [page, ...files.map((name) => readFileSync(`${docs}ci/${name}`, 'utf8'))].join('\n')
const commands = [...everything.matchAll(/\bstint (run|gate|history|compare) ([^`\n]*)/g)]
const COMMANDS = { run: runCommand, gate: gateCommand, history: historyCommand, compare: compareCommand }

describe('a recipe', () => {
  it.each(Object.entries(COMMANDS))('of stint %s uses options that there are', async (name, { builder }) => {
    const build = builder as (parser: ReturnType<typeof yargs>) => ReturnType<typeof yargs>
    const help = await build(yargs([])).getHelp()
    const used = commands.filter(([, command]) => command === name)
    expect(used.length).toBeGreaterThan(0)
    for (const [, , words = ''] of used) {
      for (const [, option = ''] of words.matchAll(/(?:^|\s)--([a-z][a-z-]*)/g))
        expect(help).toMatch(new RegExp(`\\s--?${option}\\b`))
    }
  })

  it('is well-formed YAML with steps to run', () => {
    for (const name of files) {
      const read = parseAllDocuments(readFileSync(`${docs}ci/${name}`, 'utf8'))
      expect(Array.isArray(read) ? read.flatMap(({ errors }) => errors) : read, name).toEqual([])
    }
    for (const { text } of blocks.filter(({ kind }) => kind === 'yaml')) {
      const read = parseAllDocuments(text)
      expect(Array.isArray(read) ? read.flatMap(({ errors }) => errors) : read, text).toEqual([])
    }
  })

  it('sets what a sweep takes', () => {
    const block = blocks.find(({ text }) => text.startsWith('gate:'))!
    const [document] = parseAllDocuments(block.text)
    const { gate } = document!.toJS() as { gate: object }
    const dataset = { generate: 'nba2k', rows: 100 }
    const { sweep } = sweepFromData({ name: 'w', workload: 'pipeline', dataset, gate }, 'sweep.yaml')
    expect(sweep.gate.margins['r2']).toBe(0.005)
  })

  it('links to files that are there', () => {
    const links = [...page.matchAll(/\]\((ci\/[^)]+)\)/g)].map(([, path]) => path!)
    expect(new Set(links)).toEqual(new Set(files.map((name) => `ci/${name}`)))
    for (const link of links) expect(existsSync(docs + link)).toBe(true)
  })
})
