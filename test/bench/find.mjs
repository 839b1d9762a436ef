/**
 * Searches against the full grid: the same sweep, once by `stint find` and once by `stint run` over every value that the
 * search may try, each with as many trials as can show that a value meets its goal. Rewrites the tables in
 * docs/evidence/search.md.
 *
 *   npm run build && node test/bench/find.mjs [memory|rate|simulated]...
 *
 * The rate takes some twenty minutes on a quiet machine, most of them for the grid.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { searchState } from '../../build/harness/analyse/search.js'
import { metricTable } from '../../build/harness/metrics.js'
import { orderStream } from '../../build/harness/random.js'
import { rewriteBetween } from './markers.mjs'

const root = new URL('../../', import.meta.url)
const MAIN = fileURLToPath(new URL('dist/harness/cli/main.js', root))
const CAPACITY = fileURLToPath(new URL('scenarios/capacity.yaml', root))
const document = fileURLToPath(new URL('docs/evidence/search.md', root))
const folder = mkdtempSync(join(tmpdir(), 'stint-bench-find-'))
/** So many good trials on end show that a value meets its goal, and so many bad ones that it fails. */
const GOOD = 5
const BAD = 2
const SMALL = join(folder, 'small.yaml')
writeFileSync(
  SMALL,
  JSON.stringify({
    ...{ name: 'small', workload: 'pipeline', batch_size: 256, params: { learner: 'mondrian_forest' } },
    dataset: { generate: 'nba2k', rows: 2000, seed: 7 },
    goal: { subject_to: ['r2 >= 0.5'] },
  }),
)

const CASES = {
  memory: {
    ...{ sweep: SMALL, axis: 'max_memory_mb', over: null, best: 'min' },
    words: ['--range', '4..64', '--resolution', '10%'],
    set: [],
    // As many at once as the search has: nothing that is judged depends on time.
    grid: ['--set', 'n_jobs=2'],
  },
  rate: {
    ...{ sweep: CAPACITY, axis: 'arrival.rate', over: 'max_compute_units', best: 'max' },
    words: [...capacityWords(), '--range', '2000..32000'],
    // Two of its shares and a range that ends above what they carry: the grid has as many trials as all values do.
    set: ['--set', 'grid.max_compute_units=[0.1, 0.2]'],
    grid: [],
  },
}

/** As the sweep's own head has them, but for the range, so that what is measured is what is shipped. */
function capacityWords() {
  const head = readFileSync(CAPACITY, 'utf8')
  const [, words] = /stint find \S+ --max arrival\.rate --range \S+ (.*) --over \S+$/m.exec(head)
  return words.split(' ')
}

/** @returns the run folder */
function stint(...words) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1e9 }
  return execFileSync(process.execPath, [MAIN, ...words], options)
    .trim()
    .split('\n')
    .at(-1)
}

const jsonOf = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'))
const trialsOf = (run) => readFileSync(join(run, 'trials.jsonl'), 'utf8').trim().split('\n').map(JSON.parse)

function isGood({ outcome, metrics }, { subject_to }) {
  return (
    outcome === 'ok' &&
    subject_to.every(({ metric, operator, bound }) =>
      operator === '<=' ? metrics[metric] <= bound : metrics[metric] >= bound,
    )
  )
}

/** Both ways, one after the other. */
function both({ sweep, axis, over, best, words, set, grid }) {
  const began = performance.now()
  const repeated = over === null ? [] : ['--over', over]
  const search = stint(
    'find',
    sweep,
    `--${best}`,
    axis,
    ...words,
    ...set,
    ...repeated,
    '--quiet',
    '--out',
    join(folder, 'find'),
  )
  const between = performance.now()
  const { goal, search: settings } = jsonOf(search, 'run.json').sweep
  const every = `grid.${axis}=[${settings.values.join(', ')}]`
  const full = stint(
    'run',
    sweep,
    '--set',
    every,
    ...set,
    ...grid,
    '--runs',
    `${GOOD}`,
    '--quiet',
    '--out',
    join(folder, 'grid'),
  )
  const ended = performance.now()
  const { results } = JSON.parse(
    execFileSync(process.execPath, [MAIN, 'report', search, '--json'], { encoding: 'utf8' }),
  )
  return {
    ...{ axis, over, values: settings.values, results, goal, search, full },
    seconds: { find: (between - began) / 1000, grid: (ended - between) / 1000 },
  }
}

/** Of the grid's trials: how many of each value are good, at one value of the other axis. */
function goodByValue({ axis, over, values, goal, full }, at) {
  const points = new Map(jsonOf(full, 'run.json').sweep.scenarios.map(({ id, point }) => [id, point]))
  const trials = trialsOf(full).filter(
    ({ scenario }) => over === null || points.get(scenario)[over] === at[over],
  )
  return values.map((value) => ({
    value,
    trials: trials
      .filter(({ scenario }) => points.get(scenario)[axis] === value)
      .sort((a, b) => a.round - b.round)
      .map((trial) => isGood(trial, goal)),
  }))
}

/** Trials of a grid that goes on to the next value once one is shown to fail. */
const stopped = (good) => {
  const bad = good.flatMap((one, i) => (one ? [] : [i]))
  return bad.length < BAD ? good.length : bad[BAD - 1] + 1
}

const load = () => loadavg()[0].toFixed(1)

function tableOf(one) {
  const before = load()
  const compared = both(one)
  const { axis, over, results, search, full, seconds } = compared
  let least = 0
  const rows = results.map(({ at, meets, fails }) => {
    // From the hardest value to the easiest.
    const grid = goodByValue(compared, at)
    for (const { trials } of grid) least += stopped(trials)
    const edge = grid.findIndex(({ trials }) => trials.every((good) => good))
    const found = grid.findIndex(({ value }) => value === meets)
    const goodOf = (value) => grid.find((one) => one.value === value).trials.filter((good) => good).length
    const says = (value) => (value === null ? '-' : `${value}: ${goodOf(value)} of ${GOOD}`)
    const where = over === null ? axis : `${axis} at ${over} ${at[over]}`
    const apart = edge < 0 || found < 0 ? '-' : Math.abs(found - edge)
    return `| ${where} | ${grid.length} | ${says(meets)} | ${says(fails)} | ${grid[edge]?.value ?? '-'} | ${apart} |`
  })
  const spent = trialsOf(search).length
  const all = trialsOf(full).length
  const share = (of) => `${((100 * spent) / of).toFixed(1)}%`
  return [
    `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}; load average ${before} to ${load()}.`,
    '',
    '| search | values | it meets at: good in the grid | it fails at: good in the grid | in the grid, hardest of which all are good | values apart |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `| trials of the search | of the grid | share | of a grid that leaves a value after ${BAD} bad trials | share | search (s) | grid (s) |`,
    '| --- | --- | --- | --- | --- | --- | --- |',
    `| ${spent} | ${all} | ${share(all)} | ${least} | ${share(least)} | ${seconds.find.toFixed(0)} | ${seconds.grid.toFixed(0)} |`,
  ].join('\n')
}

// ---------------------------------------------------------------- the shipped search, simulated

/** Range and resolution of the shipped search, and where its three shares of a core begin to meet the goal, in values from the hardest. */
const SHAPE = {
  values: 44,
  trials: 12,
  limits: new Map([
    [0.1, 28],
    [0.2, 20],
    [0.4, 12],
  ]),
}
const SEARCHES = 300
/** Logistic: by how much the log odds of a good trial grow from one value to the next. */
const SLOPES = [0.35, 0.65, 2.2]

function simulated(slope) {
  const random = orderStream(5)
  const at = [...SHAPE.limits.keys()]
  const values = Array.from({ length: SHAPE.values }, (_, i) =>
    Math.round(1000 * 1.1 ** (SHAPE.values - 1 - i)),
  )
  const scenarios = at.flatMap((line) =>
    values.map((value) => ({ id: `${line}-${value}`, point: { rate: value, share: line } })),
  )
  const search = {
    axis: 'rate',
    best: 'max',
    over: 'share',
    values,
    lines: at,
    resolution: 0.1,
    trials: SHAPE.trials,
  }
  const goal = { objective: null, subject_to: [{ metric: 'sustained', operator: '>=', bound: 1 }] }
  const input = { goal, search, scenarios, metrics: metricTable({}) }
  const sum = { trials: 0, meets: 0, fails: 0, wrong: 0 }
  for (let i = 0; i < SEARCHES; i += 1) {
    // The limit lies anywhere between two values.
    const shift = random() - 0.5
    const shareOf = (line, index) => 1 / (1 + Math.exp(-slope * (index - SHAPE.limits.get(line) - shift)))
    const trials = scenarios.flatMap(({ id, point }) =>
      Array.from({ length: SHAPE.trials }, (_, round) => {
        const isGood = random() < shareOf(point.share, values.indexOf(point.rate))
        return {
          trial: `${id}-${round + 1}`,
          scenario: id,
          round: round + 1,
          outcome: 'ok',
          metrics: { sustained: isGood ? 1 : 0 },
        }
      }),
    )
    for (const { at: line, steps, meets, fails } of searchState(input, trials).lines) {
      const used = new Map()
      for (const { scenario, trials } of steps) used.set(scenario, Math.max(used.get(scenario) ?? 0, trials))
      for (const count of used.values()) sum.trials += count
      if (meets !== null) sum.meets += 1
      if (fails !== null) sum.fails += 1
      const isWrong = ({ value, verdict, confirmed }) => {
        const share = shareOf(line, values.indexOf(value))
        return confirmed && ((verdict === 'meets' && share <= 0.5) || (verdict === 'fails' && share >= 0.98))
      }
      if (steps.some(isWrong)) sum.wrong += 1
    }
  }
  const lines = SEARCHES * at.length
  const share = (part, of) => `${((100 * part) / of).toFixed(1)}%`
  const perLine = sum.trials / lines
  return `| ${(Math.log(49) / slope).toFixed(0)} | ${perLine.toFixed(1)} | ${share(perLine, SHAPE.values * GOOD)} | ${share(sum.meets, lines)} | ${share(sum.fails, lines)} | ${share(sum.wrong, lines)} |`
}

function simulations() {
  return [
    `${SEARCHES} searches a row, each over three shares of a core.`,
    '',
    '| values from half of the trials good to 98% | trials a share of a core | of the grid | a value confirmed to meet | one confirmed to fail | a wrong verdict |',
    '| --- | --- | --- | --- | --- | --- |',
    ...SLOPES.map(simulated),
  ].join('\n')
}

const chosen = process.argv.slice(2)
try {
  if (chosen.length === 0 || chosen.includes('simulated')) {
    const text = simulations()
    console.log(text)
    rewriteBetween(document, 'simulated', text)
  }
  for (const [name, one] of Object.entries(CASES)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue
    const text = tableOf(one)
    console.log(text)
    rewriteBetween(document, name, text)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
