/** Made-up players in the columns and spellings of the NBA 2K file, for data sets of any size. */
import { createHash } from 'node:crypto'
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { DataFingerprint } from '../types.ts'
import { BUILDS, COLLEGES, COUNTRIES, playerName, RATINGS, TEAMS } from './nba2k-names.ts'
import { expectedSalary, noisySalary, SEASONS } from './nba2k-salary.ts'
import { Random } from './random.ts'

const HEADER =
  'full_name,rating,jersey,team,position,b_day,height,weight,salary,country,draft_year,draft_round,draft_peak,college,version\n'
const FIRST_SEASON = 2016
/** Text is written in pieces of about this many characters. */
const WRITE_CHARACTERS = 1 << 16

const JERSEYS = 56
const LONGEST_CAREER = 17
const PICKS = 60
const PICKS_A_ROUND = 30
const YOUNGEST_DRAFTED = 19
const DRAFT_AGES = 5
const METRES_PER_INCH = 0.0254
const KG_PER_POUND = 0.45359237
const WITHOUT_TEAM = 0.05
const WITHOUT_COLLEGE_USA = 0.05
const WITHOUT_COLLEGE_ABROAD = 0.6
/** A better rating makes an early pick likelier: place in the draft is half rating, half luck. */
const DRAFTED_BELOW = 0.73

/**
 * Writes `rows` players to `path`, seasons in order, in constant memory; the file appears when it is complete.
 * @param onRow told of each salary, and what the noise-free model expected it to be
 */
export function generateNba2k(
  rows: number,
  seed: number,
  path: string,
  onRow?: (row: { target: number; expected: number }) => void,
): DataFingerprint {
  const random = new Random(seed)
  const partial = `${path}.partial`
  const file = openSync(partial, 'w')
  const hash = createHash('sha256')
  let bytes = 0
  const write = (text: string) => {
    const part = Buffer.from(text)
    writeSync(file, part)
    hash.update(part)
    bytes += part.length
  }
  try {
    let text = HEADER
    const result = { target: 0, expected: 0 }
    for (let row = 0; row < rows; row += 1) {
      text += playerLine(random, (row / rows) * SEASONS, result)
      onRow?.(result)
      if (text.length >= WRITE_CHARACTERS) {
        write(text)
        text = ''
      }
    }
    write(text)
  } catch (error) {
    closeSync(file)
    rmSync(partial, { force: true })
    throw error
  }
  closeSync(file)
  renameSync(partial, path)
  return { sha256: hash.digest('hex'), bytes, rows, columns: HEADER.trim().split(',') }
}

/** One row; `time` in seasons since the first row. */
function playerLine(random: Random, time: number, result: { target: number; expected: number }): string {
  const season = Math.floor(time)
  const year = FIRST_SEASON + season
  const place = random.uniform()
  const rating = RATINGS.at(place)
  const pick = draftPick(0.5 * (place + random.uniform()))
  const experience = Math.floor(LONGEST_CAREER * random.uniform() * random.uniform())
  const draftYear = year - experience
  const birthYear = draftYear - YOUNGEST_DRAFTED - random.below(DRAFT_AGES)
  const expected = expectedSalary({ rating, age: year - birthYear, experience, pick }, season, time - season)
  const salary = noisySalary(expected, random)
  result.target = salary
  result.expected = expected

  const name = playerName(random)
  const team = random.uniform() < WITHOUT_TEAM ? '' : random.pick(TEAMS)
  const build = BUILDS.at(random.uniform())
  const born = `${two(1 + random.below(12))}/${two(1 + random.below(28))}/${two(birthYear % 100)}`
  const tall = heightText(build.height + build.heightSpread * random.bounded())
  const heavy = weightText(build.weight + build.weightSpread * random.bounded())
  const country = COUNTRIES.at(random.uniform())
  const withoutCollege = country === 'USA' ? WITHOUT_COLLEGE_USA : WITHOUT_COLLEGE_ABROAD
  const college = random.uniform() < withoutCollege ? '' : random.pick(COLLEGES)
  const round = pick === 0 ? 'Undrafted' : pick <= PICKS_A_ROUND ? '1' : '2'
  const peak = pick === 0 ? 'Undrafted' : `${pick}`
  return `${name},${rating},#${random.below(JERSEYS)},${team},${build.position},${born},${tall},${heavy},$${salary},${country},${draftYear},${round},${peak},${college},NBA2k${two(year % 100)}\n`
}

/** Pick by place in the draft, the mean of two uniforms, so that all picks are equally frequent; 0 for undrafted. */
function draftPick(place: number): number {
  if (place >= DRAFTED_BELOW) return 0
  return 1 + Math.floor((PICKS * triangular(place)) / triangular(DRAFTED_BELOW))
}

/** Distribution function of the mean of two uniforms. */
function triangular(x: number): number {
  return x < 0.5 ? 2 * x * x : 1 - 2 * (1 - x) * (1 - x)
}

/** `6-9 / 2.06` */
function heightText(metres: number): string {
  const inches = Math.round(metres / METRES_PER_INCH)
  return `${Math.floor(inches / 12)}-${inches % 12} / ${(inches * METRES_PER_INCH).toFixed(2)}`
}

/** `250 lbs. / 113.4 kg.`, and `93 kg.` without a zero after the point. */
function weightText(kg: number): string {
  const pounds = Math.round(kg / KG_PER_POUND)
  return `${pounds} lbs. / ${Math.round(pounds * KG_PER_POUND * 10) / 10} kg.`
}

function two(n: number): string {
  return n < 10 ? `0${n}` : `${n}`
}
