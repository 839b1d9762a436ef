import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as stats from '../../harness/stats.ts'

const SOURCE = readFileSync(fileURLToPath(new URL('../../harness/stats.ts', import.meta.url)), 'utf8')

/** The examples of the docstrings: code, and lines that end with `// => VALUE`. */
function examples(): [string, string][] {
  const found = SOURCE.matchAll(/^ \* @example\n((?: \* .*\n)+) \*\/\nexport function (\w+)/gm)
  return [...found].map(([, code, name]) => [name!, code!.replaceAll(/^ \* /gm, '')])
}

describe('examples of the docstrings', () => {
  it('there is one for every function', () => {
    const functions = Object.keys(stats)
    expect(functions.length).toBeGreaterThan(10)
    expect(examples().map(([name]) => name)).toEqual(expect.arrayContaining(functions))
  })

  it.each(examples())('%s', (_, code) => {
    let checks = 0
    const body = code.replaceAll(/^(.+) \/\/ => (.+)$/gm, (_line, expression, value) => {
      checks++
      return `expect(${expression}).toEqual(${value})`
    })
    expect(checks).toBeGreaterThan(0)
    new Function('expect', ...Object.keys(stats), body)(expect, ...Object.values(stats))
  })
})

const A = [10.1, 10.3, 9.9, 10.2]
const B = [11.2, 11.0, 11.4, 11.1]

describe('input', () => {
  it('leaves out what is missing, and says so by side', () => {
    const whole = stats.welchTest(A, B)
    const { caveats, ...rest } = stats.welchTest([...A, null, Number.NaN], [undefined, ...B])
    expect({ ...rest, caveats: [] }).toEqual(whole)
    expect(caveats).toEqual([
      { kind: 'missing_values', side: 'baseline', missing: 2, n: 6 },
      { kind: 'missing_values', side: 'candidate', missing: 1, n: 5 },
    ])
    expect(stats.mannWhitneyTest(A, [...B, null]).caveats).toEqual([
      { kind: 'missing_values', side: 'candidate', missing: 1, n: 5 },
    ])
  })

  it('drops pairs of which one side is missing, with their partner', () => {
    const { caveats, n, ratio } = stats.pairedTest([...A, null, 10], [...B, 99, null])
    expect(n).toEqual({ baseline: 4, candidate: 4 })
    expect(ratio).toEqual(stats.pairedTest(A, B).ratio)
    expect(caveats).toEqual([{ kind: 'unpaired', dropped: 2, kept: 4 }])
  })

  it('takes typed arrays', () => {
    expect(stats.welchTest(Float64Array.from(A), Float64Array.from(B))).toEqual(stats.welchTest(A, B))
    expect(stats.pairedTest(Float64Array.from(A), B)).toEqual(stats.pairedTest(A, B))
  })

  const text = ['1'] as unknown as number[]
  it.each<[string, () => unknown, RegExp]>([
    ['text', () => stats.welchTest(A, text), /^candidate\[0\] is "1"; expected a number, or null/],
    ['no array', () => stats.estimateMean(3 as never), /^values is 3; expected an array of numbers/],
    ['level', () => stats.welchTest(A, B, { level: 95 }), /^level is 95; expected .* such as 0\.95/],
    ['lengths', () => stats.pairedTest(A, [1]), /^baseline has 4 values and candidate 1; expected one each/],
    ['margin', () => stats.equivalenceTest(A, B, { margin: 2 }), /^margin is 2; expected .* such as 0\.02/],
    ['seed', () => stats.bootstrapMedianRatio(A, B, { seed: 0.5 }), /^seed is 0\.5; expected a whole number/],
    [
      'resamples',
      () => stats.bootstrapMedianRatio(A, B, { seed: 1, resamples: 1 }),
      /^resamples is 1; expected .* at least 100/,
    ],
    ['p', () => stats.holm([0.1, 1.5]), /^p\[1\] is 1\.5; expected a number from 0 to 1, or null/],
    ['quantile', () => stats.quantile(A, 50), /^p is 50; expected a number from 0 to 1/],
    ['power', () => stats.smallestDetectableChange(A, B, { power: 0.01 }), /^power is 0\.01, which must be/],
    ['looks', () => stats.sequentialPlan(0), /^looks is 0; expected a whole number of at least 1/],
    [
      'ratio',
      () => stats.sequentialDecision(stats.sequentialPlan(2), 0, [1, 0], { margin: 0.02 }),
      /^ratios contains 0; expected ratios above 0/,
    ],
    [
      'look',
      () => stats.sequentialDecision(stats.sequentialPlan(2), 2, [1, 1.1], { margin: 0.02 }),
      /^look 2 is not in the plan/,
    ],
    [
      'permutations',
      () => stats.changePoints(A, { seed: 1, permutations: 10 }),
      /^permutations is 10, with which no p is as small as 0\.05; expected at least 19/,
    ],
  ])('is refused in one sentence: %s', (_, call, message) => {
    expect(call).toThrow(message)
  })
})

describe('what cannot be had is null, with the reason', () => {
  it('no values', () => {
    expect(stats.welchTest([], B)).toMatchObject({
      ratio: null,
      p: null,
      caveats: [{ kind: 'no_values', side: 'baseline' }],
    })
    expect(stats.estimateMean([null])).toBeNull()
  })

  it('one value per side: a ratio without an interval', () => {
    const { ratio, caveats } = stats.welchTest([10], [11])
    expect(ratio).toEqual({ value: 1.1, low: null, high: null })
    expect(caveats.map(({ kind }) => kind)).toEqual(['too_few_values', 'too_few_values'])
  })

  it('nothing varies', () => {
    expect(stats.welchTest([1, 1], [2, 2])).toMatchObject({ p: null, caveats: [{ kind: 'constant' }] })
    expect(stats.pairedTest([1, 2], [2, 3])).toMatchObject({
      p: null,
      difference: { value: 1, low: null, high: null },
      caveats: [{ kind: 'constant' }],
    })
  })

  it('values of 0 on the log scale', () => {
    const caveats = [{ kind: 'not_positive', side: 'candidate', count: 1 }]
    expect(stats.welchTest(A, [0, 1, 2], { scale: 'log' })).toMatchObject({ ratio: null, caveats })
    expect(stats.pairedTest([1, 2, 3], [0, 1, 2], { scale: 'log' })).toMatchObject({
      ratio: null,
      difference: null,
      caveats,
    })
    const paired = { paired: true, scale: 'log' } as const
    expect(stats.smallestDetectableChange([1, 2, 3], [0, 1, 2], paired)).toEqual({
      difference: null,
      change: null,
      caveats,
    })
  })
})

it('a paired test has the difference of means, and of logs on the log scale', () => {
  const mean = stats.estimateMean(A.map((value, index) => B[index]! - value))!
  const { value, low, high } = mean
  expect(stats.pairedTest(A, B).difference).toEqual({ value, low, high })
  const { difference, ratio } = stats.pairedTest(A, B, { scale: 'log' })
  expect(Math.exp(difference!.value)).toBeCloseTo(ratio!.value, 12)
  expect(Math.exp(difference!.low!)).toBeCloseTo(ratio!.low!, 12)
  expect(Math.exp(difference!.high!)).toBeCloseTo(ratio!.high!, 12)
})
