/** The same scores, to the last bit, from every version of Node. Installs the others by npm, in the full form only. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { okOf } from '../fixtures/trials.ts'
import { randomNumbers } from '../unit/learn/batches.ts'

const FULL = process.env['STINT_FULL'] === '1'
const MAIN = fileURLToPath(new URL('../../dist/harness/cli/main.js', import.meta.url))
/** Release lines beside the one that runs the test. */
const OTHERS = ['20', '22', '24'].filter((line) => !process.versions.node.startsWith(`${line}.`))
/** Where scripts/test-full.mjs keeps them. */
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'stint', 'node')
const LIMIT_MS = 600_000

const folder = mkdtempSync(join(tmpdir(), 'stint-nodes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Forgets, and has so little memory that splits are undone. */
const FOREST = { 'params.trees': 3, 'params.forgetting': 0.997, 'params.forest_memory_mb': 0.1 }

/** Powers, roots, exponentials and logarithms wherever a run has any: features, step sizes, losses, detectors. */
const NUMBERS = {
  name: 'numbers',
  workload: 'pipeline',
  dataset: {
    generate: 'nba2k',
    rows: 3000,
    seed: 7,
    features: [
      { op: 'power', of: 'rating', exponent: 3 },
      { op: 'power', of: 'rating', exponent: -0.37 },
      { op: 'log', of: 'weight' },
      { op: 'ewm_std', of: 'rating', alpha: 0.1 },
    ],
  },
  params: { drift: 'alarm', validate: true },
  grid: { 'params.learner': ['ridge', 'sgd', 'pa', 'ftrl', 'experts'], batch_size: [1, 64] },
  include: [
    { 'params.learner': 'sgd', 'params.power_t': 0.3, batch_size: 16 },
    { 'params.learner': 'sgd', 'params.learning_rate': 'optimal', 'params.average': true, batch_size: 16 },
    { 'params.learner': 'ridge', 'params.forgetting': 0.997, 'params.drift': 'forget', batch_size: 16 },
    { 'params.learner': 'sgd', mode: 'batch', batch_size: 16 },
    { ...FOREST, 'params.learner': 'mondrian_forest', batch_size: 16 },
  ],
}

const labels = (learners: readonly string[], include: object[]) => ({
  name: 'labels',
  workload: 'pipeline',
  dataset: { source: 'labels.csv', target: 'kind' },
  params: { drift: 'alarm' },
  grid: { 'params.learner': learners, batch_size: [1, 32] },
  include,
})

const SWEEPS: Record<string, object> = {
  numbers: NUMBERS,
  many: {
    ...labels(
      ['softmax', 'experts'],
      [
        { 'params.learner': 'softmax', 'params.power_t': 0.3, batch_size: 4 },
        { ...FOREST, 'params.learner': 'mondrian_forest_classifier', batch_size: 4 },
      ],
    ),
    dataset: { source: 'labels.csv', target: 'kind', columns: { two: 'drop' } },
  },
  two: {
    ...labels(
      ['softmax', 'logistic', 'pa_classifier', 'ftrl_classifier'],
      [{ 'params.learner': 'logistic', 'params.power_t': 0.4, 'params.l1_ratio': 0.2, batch_size: 4 }],
    ),
    dataset: { source: 'labels.csv', target: 'two', columns: { kind: 'drop' } },
  },
}

function labelledRows(): string {
  const random = randomNumbers(8)
  const lines = Array.from({ length: 2500 }, () => {
    const [a, b] = [random() * 4 - 2, random() * 4 - 2]
    const score = a - b + random()
    return `${a},${b},${score < -1 ? 'low' : score < 1 ? 'fair' : 'good'},${score < 0 ? 'no' : 'yes'}`
  })
  return `a,b,kind,two\n${lines.join('\n')}\n`
}

/** What must not depend on the version of Node, by sweep and scenario. */
function scoresFrom(node: string, name: string): Record<string, string> {
  const out = join(folder, `out-${name}`)
  const scores: Record<string, string> = {}
  writeFileSync(join(folder, 'labels.csv'), labelledRows())
  for (const [sweep, content] of Object.entries(SWEEPS)) {
    const file = join(folder, `${sweep}.yaml`)
    writeFileSync(file, JSON.stringify(content))
    const words = [MAIN, 'run', file, '--runs', '1', '--out', out]
    const { status, stdout, stderr } = spawnSync(node, words, { encoding: 'utf8', cwd: folder })
    if (status !== 0) throw new Error(`node ${name}, sweep ${sweep}: exit ${status}\n${stderr}`)
    const run = stdout.trim().split('\n').at(-1)!
    const manifest = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))
    const { fingerprint } = manifest.datasets[0]
    scores[`${sweep} data`] = fingerprint.sha256
    const deterministic = Object.entries<{ kind: string }>(manifest.workload.metrics)
      .filter(([, { kind }]) => kind === 'deterministic')
      .map(([metric]) => metric)
    for (const line of readFileSync(join(run, 'trials.jsonl'), 'utf8').trim().split('\n')) {
      const { scenario, metrics, info } = okOf(JSON.parse(line))
      const { curve, drift, quality, collinear_features } = info
      const bits = deterministic.map((metric) => [metric, metrics[metric]])
      scores[`${sweep} ${scenario}`] = JSON.stringify({ bits, curve, drift, quality, collinear_features })
    }
  }
  return scores
}

/** @returns the binary, or why there is none */
function installed(line: string): { node: string } | { missing: string } {
  const binary = join('node_modules', 'node', 'bin', 'node')
  const kept = existsSync(CACHE) ? readdirSync(CACHE).find((name) => name.startsWith(`${line}.`)) : undefined
  if (kept !== undefined && existsSync(join(CACHE, kept, binary))) return { node: join(CACHE, kept, binary) }
  const prefix = join(folder, `node-${line}`)
  const words = ['install', '--prefix', prefix, '--no-audit', '--no-fund', `node@${line}`]
  const { status, stderr, error } = spawnSync('npm', words, { encoding: 'utf8' })
  if (status === 0 && existsSync(join(prefix, binary))) return { node: join(prefix, binary) }
  return {
    missing: (error?.message ?? stderr ?? '').trim().split('\n')[0] || `npm left ${readdirSync(folder)}`,
  }
}

describe.skipIf(!FULL)('scores, drift alarms and counts of the data', () => {
  let here: Record<string, string> = {}
  beforeAll(() => {
    here = scoresFrom(process.execPath, 'here')
  }, LIMIT_MS)

  it.for(OTHERS)('have the same bits on Node %s', { timeout: LIMIT_MS }, (line, { skip }) => {
    const binary = installed(line)
    if ('missing' in binary) return skip(`node@${line} cannot be installed: ${binary.missing}`)
    const there = scoresFrom(binary.node, line)
    expect(Object.keys(there).length).toBeGreaterThan(25)
    expect(there).toEqual(here)
  })
})
