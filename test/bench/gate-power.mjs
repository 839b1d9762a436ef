// Plays the gate's plan on made-up noise: how often it is wrong, and what it finds. Rewrites the tables of
// docs/evidence/gate-statistics.md between their markers; the same on every machine. Needs a build; takes some minutes.
//   node test/bench/gate-power.mjs [--replications 100000]
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { criticalT } from '../../build/harness/analyse/sequential.js'
import { looksAt, PASS_ALPHA } from '../../build/harness/gate/plan.js'
import { randomStream } from '../../build/harness/random.js'
import { noises, playPlan } from './gate-simulation.mjs'
import { rewriteBetween } from './markers.mjs'

const { values } = parseArgs({ options: { replications: { type: 'string', default: '100000' } } })
const replications = Number(values.replications)
const document = join(
  dirname(dirname(dirname(fileURLToPath(import.meta.url)))),
  'docs/evidence/gate-statistics.md',
)

const MARGIN = 0.02
/** One gate over chunk latency, CPU time and peak memory. */
const CLAIM_ALPHA = 0.01 / 3
const DUETS = [6, 8, 12, 16, 20, 24]
const SDS = [0.004, 0.01, 0.02, 0.03]
const EFFECTS = [0, 0.02, 0.03, 0.04, 0.05, 0.1]
/** From one test to thirty that share 1%. */
const ALPHAS = [PASS_ALPHA, 0.01, CLAIM_ALPHA, 0.001, 0.01 / 30]
const COUNTS = [6, 8, 10, 14, 18, 24, 30, 40]
/** Rare errors need more replications. */
const RARE = 10

function planOf(duets) {
  const { counts, claim, pass } = looksAt(duets, 'duets', CLAIM_ALPHA)
  const critical = ({ looks }) => looks.map((look, index) => criticalT(look, counts[index]))
  return { counts, claim: critical(claim), pass: critical(pass) }
}

const percent = (count, digits) => `${((100 * count) / replications).toFixed(digits)}%`
const table = (head, rows) =>
  [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

const noiseTable = (nominal, rowOf) =>
  table(
    ['noise of a log ratio', ...DUETS.map((duets) => `${duets} duets`)],
    [
      ['**at most**', ...DUETS.map(() => nominal)],
      ...Object.entries(noises(randomStream(1))).map(([kind, fill]) => [
        kind,
        ...DUETS.map((duets) => rowOf(planOf(duets), fill)),
      ]),
    ],
  )

/** At a true change of exactly the margin, where either answer is wrong. */
function errorTable() {
  const nominal = `${(100 * CLAIM_ALPHA).toFixed(2)}% / ${(100 * PASS_ALPHA).toFixed(1)}%`
  return noiseTable(nominal, (plan, fill) => {
    const { anyClaim, anyPass } = playPlan(plan, fill, 0, replications)
    return `${percent(anyClaim, 2)} / ${percent(anyPass, 1)}`
  })
}

/** Without any change, at the largest noise of the power table. */
function falseAlarmTable() {
  return noiseTable(`${(100 * CLAIM_ALPHA).toFixed(2)}%`, (plan, fill) => {
    const shift = (-Math.log1p(MARGIN) * sdOf(fill)) / SDS.at(-1)
    return percent(playPlan(plan, fill, shift, replications).anyClaim, 3)
  })
}

function sdOf(fill) {
  const x = new Float64Array(200_000)
  fill(x, x.length)
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length)
}

function powerTable() {
  const { normal } = noises(randomStream(2))
  const rows = SDS.flatMap((sd) =>
    DUETS.map((duets) => {
      const plan = planOf(duets)
      const found = EFFECTS.map((effect) =>
        playPlan(plan, normal, (Math.log1p(effect) - Math.log1p(MARGIN)) / sd, replications),
      )
      const [none, ...changes] = found
      return [sd, duets, percent(none.ruledOut, 1), ...changes.map((one) => percent(one.regression, 1))]
    }),
  )
  const heads = EFFECTS.slice(1).map((effect) => `+${Math.round(100 * effect)}% found`)
  return table(['sd of a log ratio', 'duets at most', 'no change: passes', ...heads], rows)
}

/** How much of alpha is really used under normal noise, by alpha and number of duets. */
function spentTable() {
  const { normal } = noises(randomStream(3))
  const rows = ALPHAS.map((alpha) => [
    `${Number((100 * alpha).toPrecision(2))}%`,
    ...COUNTS.map((duets) => {
      const { counts, claim } = looksAt(duets, 'duets', alpha)
      const critical = claim.looks.map((look, index) => criticalT(look, counts[index]))
      const many = RARE * replications
      const { anyClaim, anyPass } = playPlan({ counts, claim: critical, pass: critical }, normal, 0, many)
      return ((anyClaim + anyPass) / (2 * many * alpha)).toFixed(2)
    }),
  ])
  return table(['alpha', ...COUNTS.map((duets) => `${duets} duets`)], rows)
}

const tables = {
  'gate-spent': spentTable(),
  'gate-errors': errorTable(),
  'gate-false-alarms': falseAlarmTable(),
  'gate-power': powerTable(),
}
for (const [name, text] of Object.entries(tables)) {
  console.log(`${text}\n`)
  rewriteBetween(document, name, text)
}
