/** Changes of known size that a gate must find, or must not: a workload of known cost, and variants of it. */

/** Turns of the workload's loop in a millisecond, so that every machine plays the same times: of the fastest try, which others disturbed least. */
export function calibrated() {
  const TURNS = 4_000_000
  let acc = 0
  const tries = Array.from({ length: 8 }, () => {
    const started = performance.now()
    for (let i = 0; i < TURNS; i++) acc = Math.sqrt(acc + i)
    return performance.now() - started
  })
  return TURNS / Math.min(...tries) + 0 * acc
}

/**
 * A module whose step `i` of `n` takes `ms(i)`.
 * @param change texts that replace the usual ones
 */
export function moduleOf(turnsPerMs, change = {}) {
  const {
    n = 600,
    ms = '0.7',
    open = '',
    finish = '',
    keep = 0,
    own = 20,
    rows = 10,
    step = '',
    name = 'acc',
    params = '{}',
    kind = '',
  } = change
  return `
const n = ${n}
const msOf = (i, { k }) => ${ms}
const metrics = {
  own_ms: { unit: 'ms', direction: 'lower_is_better', kind: 'measured', description: 'its own' },
}
export default {
  describe: () => ({ name: 'known-cost', params: ${params}, dataset: 'none', metrics }),
  async open({ params }) {
    ${open}
    let ${name} = 0
    let i = 0
    const kept = []
    for (let k = 0; k < 40 + ${keep}; k++) kept.push(new Float64Array(32_768).fill(k))
    return {
      ${kind} step() {
        if (i >= n) return null
        ${step}
        const turns = msOf(i++, params) * ${turnsPerMs.toFixed(0)}
        for (let k = 0; k < turns; k++) ${name} = Math.sqrt(${name} + k)
        return { rows: ${rows} }
      },
      async finish() {
        ${finish}
        return { metrics: { own_ms: ${own} * (1 + 0.02 * Math.random()) + 0 * kept.length * ${name} } }
      },
    }
  },
}
`
}

const SLEEP = 'await new Promise((resolve) => setTimeout(resolve, MS))'
const ONE_OF_SIX = { params: "{ k: { type: 'integer', default: 1, description: 'which' } }" }

/**
 * `finds`: true where the change is one for the worse by more than twice its margin, false where nothing changed, null
 * where it lies between. `base` is how both versions differ from the usual, `change` how the candidate does.
 */
export const CASES = [
  { name: 'same', finds: false },
  { name: 'renamed', finds: false, change: { name: 'total' } },
  { name: '+3% everywhere', finds: null, change: { ms: '0.721' } },
  { name: '+5% everywhere', finds: true, change: { ms: '0.735' } },
  { name: '+10% everywhere', finds: true, change: { ms: '0.77' } },
  { name: 'first tenth x2', finds: true, change: { ms: 'i < n / 10 ? 1.4 : 0.7' } },
  { name: 'middle third x2', finds: true, change: { ms: 'i > n / 3 && i < (2 * n) / 3 ? 1.4 : 0.7' } },
  { name: 'second half x2', finds: true, change: { ms: 'i > n / 2 ? 1.4 : 0.7' } },
  { name: 'growing to x2', finds: true, change: { ms: '0.7 * (1 + i / n)' } },
  { name: 'every 50th chunk x10', finds: true, change: { ms: 'i % 50 === 0 ? 7 : 0.7' } },
  { name: 'longer tail, equal mean', finds: true, change: { ms: 'i % 50 === 0 ? 4.2 : 0.6286' } },
  { name: 'start-up + 500 ms', finds: true, change: { open: SLEEP.replace('MS', '500') } },
  { name: 'finish + 1 s', finds: true, change: { finish: SLEEP.replace('MS', '1000') } },
  { name: 'memory x2', finds: true, change: { keep: 40 } },
  { name: 'rows dropped', finds: true, change: { rows: 9 } },
  { name: 'steps dropped', finds: true, change: { n: 90 } },
  { name: 'own metric +50%', finds: true, change: { own: 30 } },
  { name: 'steps of 2 s, +30%', finds: true, base: { n: 3, ms: '2000' }, change: { ms: '2600' } },
  { name: 'steps of 10 us, +10%', finds: true, base: { n: 20_000, ms: '0.01' }, change: { ms: '0.011' } },
  { name: 'asynchronous steps, +10%', finds: true, base: { kind: 'async' }, change: { ms: '0.77' } },
  {
    name: 'one of six scenarios, +30%',
    finds: true,
    sweep: 'grid: { params.k: [1, 2, 3, 4, 5, 6] }',
    base: ONE_OF_SIX,
    change: { ms: 'k === 4 ? 0.91 : 0.7' },
  },
  { name: 'endless', finds: true, change: { step: 'for (;;) i++' } },
]
