import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { power } from '../../../workers/pipeline/power.ts'

const WORKERS = fileURLToPath(new URL('../../../workers/', import.meta.url))

/** Lines of code that take a power otherwise than of 2 or 10 by a whole number, which is exact everywhere. */
function powersIn(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*/g, '')
  return code.split('\n').filter((line) => /Math\.pow|\*\*/.test(line.replace(/\b(2|10) \*\* /g, '')))
}

describe('a power', () => {
  it('is taken in one way wherever scores come from', () => {
    const files = readdirSync(WORKERS, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /^(pipeline|data)\b.*\.ts$/.test(name),
    )
    expect(files.length).toBeGreaterThan(80)
    const found = files.flatMap((name) =>
      powersIn(readFileSync(join(WORKERS, name), 'utf8')).map((line) => `${name}: ${line.trim()}`),
    )
    expect(found).toEqual([])
    expect(powersIn('/** a ** b */\nconst x = 2 ** 3\nconst y = x ** 3 // Math.pow\n')).toEqual([
      'const y = x ** 3 ',
    ])
  })

  it('is within 1e-13 of the one that the language has', () => {
    const base = fc
      .double({ min: -1e3, max: 1e3, noNaN: true })
      .filter((x) => x === 0 || Math.abs(x) > 1e-3)
      // The sign of a 0 is nothing that data tells.
      .map((x) => x + 0)
    const exponent = fc.oneof(
      fc.integer({ min: -80, max: 80 }),
      fc.constantFrom(0.25, 0.5, 0.75, -0.5, 1 / 3),
      fc.double({ min: -9, max: 9, noNaN: true }),
    )
    fc.assert(
      fc.property(base, exponent, (x, y) => {
        const [ours, expected] = [power(x, y), x ** y]
        if (Number.isNaN(expected) || !Number.isFinite(expected) || expected === 0) {
          expect(ours + 0).toBe(expected + 0)
        } else expect(Math.abs(ours / expected - 1)).toBeLessThan(1e-13)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    [2, 10, 1024],
    [-3, 3, -27],
    [10, 22, 1e22],
    [0, 0, 1],
    [0, -1, Number.POSITIVE_INFINITY],
    [0, 0.3, 0],
    [-2, 0.3, Number.NaN],
    [16, 0.25, 2],
    [49, 0.5, 7],
    [1.5, 3, 3.375],
  ])('%d to the %d is %d', (base, exponent, expected) => {
    expect(power(base, exponent)).toBe(expected)
  })
})
