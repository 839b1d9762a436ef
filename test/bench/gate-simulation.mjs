/** Made-up noise of duets, and the gate's plan played on it. Knows nothing of the harness: what it tests is handed in. */

/** Standard normal numbers by the polar method (Marsaglia & Bray 1964). */
export function normalsFrom(random) {
  let spare = null
  return () => {
    if (spare !== null) {
      const held = spare
      spare = null
      return held
    }
    for (;;) {
      const u = 2 * random() - 1
      const v = 2 * random() - 1
      const s = u * u + v * v
      if (s === 0 || s >= 1) continue
      const scale = Math.sqrt((-2 * Math.log(s)) / s)
      spare = v * scale
      return u * scale
    }
  }
}

/** Of a log-normal number, skewness 1.75. */
const LOG_SD = 0.5
/** Duets near in time share the machine's mood. */
const BLOCK = 4
/** Of the shared part, against the sd of the rest. */
const LEVEL = 1
const NOISY_SPELL = { share: 0.3, times: 4 }
const PLACE_BIAS = 1.5
/** A chunk takes one of two times, and the machine changes between them after about so long, ms. */
const MODES = { fast: 1.2, slow: 2, dwell: 100 }
/** Of a chunk's time within a mode, as a share. */
const JITTER = 0.05
const CHUNKS = 140
/** Duets of two modes are long to make: so many are made once and drawn from. */
const POOL = 4000

/**
 * Noise of log ratios by name, mean 0, in no particular unit; each a function that fills an array. Sides are drawn as the gate draws
 * them: at random, each equally often in every two duets.
 */
export function noises(random) {
  const normal = normalsFrom(random)
  const skewed = () => (Math.exp(LOG_SD * normal()) - Math.exp(LOG_SD ** 2 / 2)) / 0.604
  const each = (draw) => (x, n) => {
    for (let i = 0; i < n; i++) x[i] = draw(i)
  }
  let place = 1
  const nextPlace = (i) => {
    place = i % 2 === 1 ? -place : random() < 0.5 ? 1 : -1
    return place
  }
  let held = 0
  const perBlock = (i, draw) => {
    if (i % BLOCK === 0) held = draw()
    return held
  }
  let pool = null
  const ofTwoModes = () => {
    pool ??= Float64Array.from({ length: POOL }, () => twoModes(random, normal))
    return pool[Math.floor(random() * POOL)]
  }
  return {
    normal: each(normal),
    'log-normal times on either side': each(() => skewed() - skewed()),
    'two modes of the machine': each((i) => nextPlace(i) * ofTwoModes()),
    'one place faster': each((i) => nextPlace(i) * PLACE_BIAS + normal()),
    'skewed, by place': each((i) => nextPlace(i) * (skewed() + 1)),
    'blocks of a level, by place': each((i) => nextPlace(i) * LEVEL * perBlock(i, normal) + normal()),
    'blocks of more and less noise': each(
      (i) => perBlock(i, () => (random() < NOISY_SPELL.share ? NOISY_SPELL.times : 1)) * normal(),
    ),
    'skewed to slower, by version': each(skewed),
    'skewed to faster, by version': each(() => -skewed()),
    'blocks of a level, by version': each((i) => LEVEL * perBlock(i, normal) + normal()),
  }
}

/** The log ratio of one duet in ABBA order while the machine changes between two speeds. */
function twoModes(random, normal) {
  const dwell = () => -Math.log(1 - random()) * MODES.dwell
  let now = random() < 0.5 ? MODES.fast : MODES.slow
  let left = dwell()
  const chunk = () => {
    const took = now * Math.exp(JITTER * normal())
    left -= took
    if (left <= 0) {
      now = now === MODES.fast ? MODES.slow : MODES.fast
      left = dwell()
    }
    return took
  }
  let [a, b] = [0, 0]
  for (let i = 0; i < CHUNKS; i++) {
    if (i % 2 === 0) {
      a += chunk()
      b += chunk()
    } else {
      b += chunk()
      a += chunk()
    }
  }
  return Math.log(b / a)
}

/**
 * Plays a plan on `replications` series of duets.
 * @param plan counts at which to look, and what t must reach there for a claim and for a pass
 * @param shift true log ratio less the logarithm of 1 + margin, in the noise's unit
 * @returns how often each came first, and how often a claim or a pass came at all had the other not ended the gate
 */
export function playPlan(plan, fill, shift, replications) {
  const { counts, claim, pass } = plan
  const x = new Float64Array(counts.at(-1))
  const found = { regression: 0, ruledOut: 0, anyClaim: 0, anyPass: 0 }
  for (let run = 0; run < replications; run++) {
    fill(x, x.length)
    let [sum, squares, i] = [0, 0, 0]
    let [first, claimed, passed] = ['', false, false]
    for (let look = 0; look < counts.length; look++) {
      const n = counts[look]
      for (; i < n; i++) {
        sum += x[i]
        squares += x[i] * x[i]
      }
      const mean = sum / n
      const t = (mean + shift) / Math.sqrt((squares - n * mean * mean) / (n - 1) / n)
      if (t >= claim[look]) {
        claimed = true
        first ||= 'regression'
      }
      if (-t >= pass[look]) {
        passed = true
        first ||= 'ruledOut'
      }
    }
    if (first !== '') found[first]++
    if (claimed) found.anyClaim++
    if (passed) found.anyPass++
  }
  return found
}
