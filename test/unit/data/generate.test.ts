import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { generateDataset } from '../../../workers/data/presets/generate.ts'
import { generateNba2k } from '../../../workers/data/presets/nba2k-generate.ts'
import { expectedSalary } from '../../../workers/data/presets/nba2k-salary.ts'
import { Random } from '../../../workers/data/presets/random.ts'
import { generateWithCeiling, sharedFile, temporaryFolder } from '../pipeline/support.ts'

const FORMS: Record<string, RegExp> = {
  full_name: /^[A-Z][A-Za-z'-]+ [A-Z][A-Za-z'-]+(, Jr\.)?$/,
  rating: /^\d\d$/,
  jersey: /^#\d{1,2}$/,
  team: /^([A-Z][A-Za-z0-9 ]+)?$/,
  position: /^[GFC](-[GFC])?$/,
  b_day: /^\d\d\/\d\d\/\d\d$/,
  height: /^\d-\d{1,2} \/ \d\.\d\d$/,
  weight: /^\d{3} lbs\. \/ \d{2,3}(\.\d)? kg\.$/,
  salary: /^\$\d+$/,
  country: /^[A-Z][A-Za-z ]+$/,
  draft_year: /^\d{4}$/,
  draft_round: /^(1|2|Undrafted)$/,
  draft_peak: /^(\d{1,2}|Undrafted)$/,
  college: /^([A-Z].*)?$/,
  version: /^NBA2k\d\d$/,
}

/** Fields that have not the form of their column. */
const misspelt = (player: Record<string, string>): string[] =>
  Object.entries(FORMS).flatMap(([column, form]) =>
    form.test(player[column]!) ? [] : [`${column}: ${player[column]}`],
  )

async function generated(rows: number, seed: number) {
  const path = join(temporaryFolder(), 'players.csv')
  const ceiling = await generateWithCeiling(rows, seed, path)
  const text = readFileSync(path, 'utf8')
  return { path, text, ceiling, players: parse<Record<string, string>>(text, { columns: true }) }
}

function r2(targets: number[], predictions: number[]): number {
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length
  let residual = 0
  let total = 0
  for (const [i, target] of targets.entries()) {
    residual += (target - predictions[i]!) ** 2
    total += (target - mean) ** 2
  }
  return 1 - residual / total
}

describe('generated players', () => {
  it('are the same for a seed and others for another', async () => {
    const first = await generated(500, 7)
    expect((await generated(500, 7)).text).toBe(first.text)
    expect((await generated(500, 8)).text).not.toBe(first.text)
  })

  it('have the columns and spellings of the real file', async () => {
    const { players, text } = await generated(3000, 1)
    expect(players).toHaveLength(3000)
    expect([...new Set(players.map((player) => Object.keys(player).join()))]).toEqual([
      Object.keys(FORMS).join(),
    ])
    expect(players.flatMap(misspelt)).toEqual([])
    const some = (column: string, value: string) =>
      players.filter((player) => player[column] === value).length
    expect(some('team', '')).toBeGreaterThan(50)
    expect(some('college', '')).toBeGreaterThan(300)
    expect(some('draft_round', 'Undrafted')).toBeGreaterThan(200)
    expect(some('draft_peak', 'Undrafted')).toBe(some('draft_round', 'Undrafted'))
    expect(text).toMatch(/"[^"]+, Jr\."/)
    expect(new Set(players.map((player) => player['version'])).size).toBe(6)
    expect(players[0]!['version']).toBe('NBA2k16')
    const ratings = players.map((player) => Number(player['rating']))
    expect([Math.min(...ratings), Math.max(...ratings)]).toEqual([67, 97])
  })

  it.skipIf(sharedFile('data/nba2k-full.csv') === null)('pass the same checks as the real ones', () => {
    const real = parse<Record<string, string>>(readFileSync(sharedFile('data/nba2k-full.csv')!), {
      columns: true,
    })
    expect(real.flatMap(misspelt).filter((field) => !field.startsWith('full_name: '))).toEqual([])
  })

  it('have the ceiling that a direct computation from the file gives', async () => {
    const rows = 6000
    const { players, ceiling } = await generated(rows, 3)
    const expected = players.map((player, row) => {
      const version = 2000 + Number(player['version']!.slice(5))
      const born = Number(player['b_day']!.slice(6))
      const pick = player['draft_peak'] === 'Undrafted' ? 0 : Number(player['draft_peak'])
      const time = (row / rows) * 6
      return expectedSalary(
        {
          rating: Number(player['rating']),
          age: version - (born < 50 ? 2000 + born : 1900 + born),
          experience: version - Number(player['draft_year']),
          pick,
        },
        Math.floor(time),
        time - Math.floor(time),
      )
    })
    const salaries = players.map((player) => Number(player['salary']!.slice(1)))
    expect(ceiling).toBeCloseTo(r2(salaries, expected), 10)
    expect(ceiling).toBeGreaterThan(0.84)
    expect(ceiling).toBeLessThan(0.91)
    expect(Math.min(...salaries)).toBeGreaterThan(0)
  })

  it('earn on average what is expected of them, season by season more', () => {
    const sums = Array.from({ length: 6 }, () => ({ salary: 0, expected: 0 }))
    let row = 0
    const rows = 60_000
    generateNba2k(rows, 5, join(temporaryFolder(), 'x.csv'), ({ target: salary, expected }) => {
      const sum = sums[Math.floor((row / rows) * 6)]!
      sum.salary += salary
      sum.expected += expected
      row += 1
    })
    for (const { salary, expected } of sums) expect(Math.abs(salary / expected - 1)).toBeLessThan(0.02)
    for (let i = 1; i < 6; i += 1) expect(sums[i]!.expected).toBeGreaterThan(sums[i - 1]!.expected)
  })

  it('refuse unknown presets and impossible numbers, and leave nothing behind', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'x.csv')
    const ask = (request: object) => generateDataset({ preset: 'nba2k', rows: 5, seed: 1, ...request }, path)
    await expect(ask({ preset: 'nhl' })).rejects.toThrow(/unknown preset "nhl".*Presets: nba2k/)
    await expect(ask({ rows: 0 })).rejects.toThrow(/rows/)
    await expect(ask({ rows: 1.5 })).rejects.toThrow(/rows/)
    await expect(ask({ seed: Number.NaN })).rejects.toThrow(/seed/)
    expect(existsSync(path)).toBe(false)
    await ask({})
    expect(readdirSync(folder)).toEqual(['x.csv'])
  })
})

describe('the random generator', () => {
  it('is sfc32: the first numbers of a known state', () => {
    // Independent statement of the recurrence on BigInt, mod 2^32.
    const mask = 0xffff_ffffn
    let [a, b, c, counter] = [42n, 0n, 0n, 1n]
    const next = () => {
      const t = (a + b + counter) & mask
      counter = (counter + 1n) & mask
      a = b ^ (b >> 9n)
      b = (c + (c << 3n)) & mask
      c = (((c << 21n) | (c >> 11n)) + t) & mask
      return Number(t)
    }
    for (let i = 0; i < 15; i += 1) next()
    const random = new Random(42)
    for (let i = 0; i < 1000; i += 1) expect(random.bits() >>> 0).toBe(next())
    const block = new Int32Array(100)
    random.fill(block)
    for (const bits of block) expect(bits >>> 0).toBe(next())
    expect(random.bits() >>> 0).toBe(next())
  })

  it('is uniform, and bounded noise has mean 0 and variance 1', () => {
    const random = new Random(9)
    const bins = new Array<number>(10).fill(0)
    let sum = 0
    let squares = 0
    let largest = 0
    const n = 100_000
    for (let i = 0; i < n; i += 1) {
      bins[random.below(10)]! += 1
      const value = random.bounded()
      largest = Math.max(largest, Math.abs(value))
      sum += value
      squares += value * value
    }
    expect(largest).toBeLessThanOrEqual(2 * Math.sqrt(3))
    for (const count of bins) expect(Math.abs(count - n / 10)).toBeLessThan(500)
    expect(Math.abs(sum / n)).toBeLessThan(0.02)
    expect(Math.abs(squares / n - 1)).toBeLessThan(0.02)
  })
})
