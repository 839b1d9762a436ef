import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

const FULL = process.env['STINT_FULL'] === '1'

const root = join(import.meta.dirname, '../../..')
const copies: string[] = []

afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true, force: true })
})

/** A copy of the sources with files added, or an empty folder. */
function copyWith(files: Record<string, string>, sources = ['harness', 'workers', 'package.json']): string {
  const copy = mkdtempSync(join(tmpdir(), 'stint-rules-'))
  copies.push(copy)
  for (const name of sources) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(copy, name)), { recursive: true })
    writeFileSync(join(copy, name), text)
  }
  return copy
}

function checkRules(folder: string): { status: number | null; said: string } {
  const script = join(root, 'scripts/check-rules.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

it('the rule on text as a key reports each form, by file and line', () => {
  const texts = [
    'export const counts: Record<string, number> = {}',
    'export const counts: Readonly<Record<string, number>> = {}',
    'let seen: { [name: string]: number } = {}\nseen = {}',
    'export const all = [1].reduce((a) => a, {} as Record<string, number>)',
    'export const has = (name: string, all: object) => (name in all ? 1 : 2)',
    'export const has = (all: object) => (name: string) => name in all',
  ]
  const planted = texts.map((text, i) => [`workers/data/planted-${i}.ts`, `${text}\n`])
  // Others that break no rule: where no import is seen, nothing was looked at.
  const others = { 'workers/data/other.ts': "import './planted-0.ts'\n", 'harness/other.ts': '' }
  const files = { ...Object.fromEntries(planted), ...others }
  const { status, said } = checkRules(copyWith(files, ['package.json']))
  for (const i of texts.keys())
    expect(said).toMatch(new RegExp(`^workers/data/planted-${i}\\.ts:1: text-is-no-key\\. `, 'm'))
  expect(said).not.toContain('other.ts:')
  expect(status).toBe(1)
})

describe('the import rules', () => {
  it('report each planted violation by name, and nothing else of the sources', () => {
    const planted: Record<string, [file: string, text: string]> = {
      'workers-without-harness': ['workers/planted.ts', "import '../harness/metrics.ts'\n"],
      'harness-through-contract': [
        'harness/execute/planted.ts',
        "import type { Learner } from '../../workers/pipeline/learn/learner.ts'\nexport type Planted = Learner\n",
      ],
      'pipeline-is-one-workload': ['workers/pipeline/planted.ts', "import '../planted.ts'\n"],
      'data-stands-alone': [
        'workers/data/planted.ts',
        "import type { Learner } from '../pipeline/learn/learner.ts'\nexport type Planted = Learner\n",
      ],
      'brokers-stand-alone': ['workers/brokers/planted.ts', "import '../protocol/duet.ts'\n"],
      'analyse-is-pure': ['harness/analyse/planted-io.ts', "import 'node:fs'\n"],
      'analyse-stands-alone': ['harness/analyse/planted.ts', "import '../sweep/expand.ts'\n"],
      'cli-through-index': [
        'harness/cli/planted-type.ts',
        "import type { Metric } from '../metrics.ts'\nexport type Planted = Metric\n",
      ],
      'nothing-imports-index': ['harness/gate/planted-index.ts', "import '../index.ts'\n"],
      'nothing-imports-api': ['harness/gate/planted-api.ts', "import '../api/runs.ts'\n"],
      'nothing-imports-cli': ['harness/gate/planted.ts', "import '../cli/main.ts'\n"],
      'sweep-comes-first': ['harness/sweep/planted.ts', "import '../record/types.ts'\n"],
      'execute-below-results': ['harness/execute/planted-gate.ts', "import '../gate/planted.ts'\n"],
      'parts-below-a-session': ['harness/execute/planted-session.ts', "import '../session/run.ts'\n"],
      'ownership-stands-alone': ['harness/ownership/planted.ts', "import '../metrics.ts'\n"],
      'record-below-results': ['harness/record/planted.ts', "import '../execute/executor.ts'\n"],
      'kernels-stand-alone': ['workers/kernels/planted.ts', "import '../worker.ts'\n"],
      'stats-is-pure': ['harness/stats.ts', "import './metrics.ts'\n"],
      'report-from-records': ['harness/report/planted.ts', "import '../execute/executor.ts'\n"],
      'client-is-an-asset': [
        'harness/report/planted-client.ts',
        "import type { Page } from './client/planted.ts'\nexport type Planted = Page\n",
      ],
      'client-in-a-browser': ['harness/report/client/planted.ts', "import 'node:fs'\nexport type Page = 1\n"],
      'every-import-resolves': ['harness/cli/planted.ts', "import './gone.ts'\n"],
      'no-cycles': ['harness/cli/planted-one.ts', "import './planted-two.ts'\n"],
    }
    const files = Object.fromEntries(Object.values(planted))
    files['harness/cli/planted-two.ts'] = "import './planted-one.ts'\n"
    const { forbidden } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs'))
    expect(Object.keys(planted).sort()).toEqual(forbidden.map(({ name }: { name: string }) => name).sort())
    // Among all sources in the full form; otherwise among those that they import, which are empty.
    const stubs = Object.entries(files).flatMap(([file, text]) =>
      Array.from(text.matchAll(/'(\.[^']*)'/g), ([, to]) => join(dirname(file), to!)),
    )
    const others = Object.fromEntries(
      stubs
        .filter((file) => !Object.hasOwn(files, file) && existsSync(join(root, file)))
        .map((file) => [file, 'export type Learner = 1\nexport type Metric = 1\n']),
    )
    const { status, said } = checkRules(
      FULL ? copyWith(files) : copyWith({ ...others, ...files }, ['package.json']),
    )
    expect(status).toBe(1)
    for (const [rule, [file]] of Object.entries(planted)) {
      const line = said
        .split('\n')
        .find((text) => text.startsWith(`${file} -> `) && text.includes(`: ${rule}.`))
      expect(line, `${rule}\n${said}`).toBeDefined()
    }
    const atFault = said.split('\n').flatMap((text) => /^(\S+) -> /.exec(text)?.[1] ?? [])
    expect(atFault.filter((file) => !Object.hasOwn(files, file))).toEqual([])
    expect(said).toMatch(
      FULL
        ? /^\d+ import rules broken; [1-9]\d{2,} modules and [1-9]\d{3,} imports looked at/m
        : /^\d+ import rules broken; [1-9]\d modules and [1-9]\d imports looked at/m,
    )
  })

  it('hold, and say how much was looked at', () => {
    const files = { 'harness/one.ts': "import './two.ts'\n", 'harness/two.ts': '', 'workers/one.ts': '' }
    const { status, said } = checkRules(copyWith(files, ['package.json']))
    expect(said).toMatch(/^import rules hold; 3 modules and 1 imports looked at/)
    expect(status).toBe(0)
  })

  it('fail where there is nothing to look at', () => {
    const { status, said } = checkRules(copyWith({}, []))
    expect(status).toBe(1)
    expect(said).toMatch(/^0 modules looked at/)
  })
})
