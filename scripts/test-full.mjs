// Every test: in full form on this Node, one file at a time, since several measure; then in short form on the other
// versions of Node that are supported: node scripts/test-full.mjs [VITEST WORDS]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Release lines, as the npm package `node` names them. */
const NODES = ['20', '22', '24', 'latest']
/** Outside the repository, so that a clean checkout does not download them again. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'stint', 'node')
/** A busy machine makes a file of 1 GB take long. */
const LIMIT_MS = 600_000

const words = process.argv.slice(2)
const full = ['--no-file-parallelism', `--testTimeout=${LIMIT_MS}`, `--hookTimeout=${LIMIT_MS}`]
const outcomes = [
  [process.versions.node, passes([...full, ...words], { STINT_FULL: '1' }) ? 'passed in full' : 'failed'],
]
for (const line of NODES) {
  if (process.versions.node.startsWith(`${line}.`)) continue
  const { version, bin, skipped } = install(line)
  if (version === process.versions.node) continue
  if (skipped) outcomes.push([line, `skipped: ${skipped}`])
  else {
    console.log(`\nNode ${version}`)
    const PATH = bin + delimiter + process.env.PATH
    outcomes.push([version, passes(words, { PATH }, join(bin, 'node')) ? 'passed' : 'failed'])
  }
}
for (const [version, outcome] of outcomes) console.log(`Node ${version}: ${outcome}`)
process.exit(outcomes.some(([, outcome]) => outcome === 'failed') ? 1 : 0)

/** @returns whether vitest passes with these words, run by the given Node */
function passes(words, env, node = process.execPath) {
  const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')))
  return (
    spawnSync(node, [vitest, 'run', ...words], { stdio: 'inherit', env: { ...process.env, ...env } })
      .status === 0
  )
}

/**
 * @param line a release line
 * @returns its newest version and the folder of its binary, or why it is skipped
 * @throws where the registry has it and it cannot be installed
 */
function install(line) {
  const asked = npm('view', `node@${line}`, 'version', '--json')
  if (asked.status !== 0) return { skipped: `the npm registry has no answer (${firstLine(asked)})` }
  const inOrder = (a, b) => a.localeCompare(b, 'en', { numeric: true })
  const version = [JSON.parse(asked.stdout)].flat().sort(inOrder).at(-1)
  const folder = join(CACHE, version)
  const bin = join(folder, 'node_modules', 'node', 'bin')
  if (!existsSync(bin)) {
    // Renamed when complete, so that an install that was stopped is not taken for a whole one.
    const unfinished = `${folder}.${process.pid}`
    mkdirSync(unfinished, { recursive: true })
    const installed = npm('install', '--prefix', unfinished, '--no-audit', '--no-fund', `node@${version}`)
    if (installed.status !== 0) {
      rmSync(unfinished, { recursive: true, force: true })
      throw new Error(`node@${version} cannot be installed: ${firstLine(installed)}`)
    }
    renameSync(unfinished, folder)
  }
  return { version, bin }
}

function npm(...words) {
  return spawnSync('npm', words, { encoding: 'utf8' })
}

function firstLine({ error, stderr }) {
  return (error?.message ?? stderr).trim().split('\n')[0]
}
