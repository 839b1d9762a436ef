/** Made-up players, and the places that NBA 2K files name. */
import { type Random, Weighted } from './random.ts'

const FIRST_SYLLABLES = [
  'Ja',
  'Mar',
  'De',
  'Ke',
  'Ty',
  'An',
  'Lu',
  'Ro',
  'Bra',
  'Co',
  'Da',
  'Is',
  'Jo',
  'Ni',
  'Vi',
]
const SECOND_SYLLABLES = [
  'len',
  'vin',
  'shawn',
  'mar',
  'ler',
  'ton',
  'ka',
  'dric',
  'nan',
  'rell',
  'dan',
  'co',
  'mir',
]
const LAST_STARTS = [
  'Har',
  'Wil',
  'Bran',
  'Mc',
  "O'",
  'Car',
  'Hol',
  'Bel',
  'Whit',
  'Ra',
  'Vuk',
  'San',
  'Den',
  'Kor',
]
const LAST_MIDDLES = ['', 'la', 'ring', 'der', 'mo', 'ke', 'ni', 'ba']
const LAST_ENDS = ['son', 'man', 'ton', 'ley', 'ic', 'well', 'field', 'ford', 'ez', 'ard', 'er', 'is', 'wood']
const HYPHENATED = 0.02
/** Written after a comma, so that such a name needs quotes. */
const JUNIORS = 0.02

export function playerName(random: Random): string {
  const first = random.pick(FIRST_SYLLABLES) + random.pick(SECOND_SYLLABLES)
  const last = lastName(random) + (random.uniform() < HYPHENATED ? `-${lastName(random)}` : '')
  return random.uniform() < JUNIORS ? `"${first} ${last}, Jr."` : `${first} ${last}`
}

function lastName(random: Random): string {
  return random.pick(LAST_STARTS) + random.pick(LAST_MIDDLES) + random.pick(LAST_ENDS)
}

export const TEAMS: readonly string[] = [
  ...['Atlanta Hawks', 'Boston Celtics', 'Brooklyn Nets', 'Charlotte Hornets', 'Chicago Bulls'],
  ...[
    'Cleveland Cavaliers',
    'Dallas Mavericks',
    'Denver Nuggets',
    'Detroit Pistons',
    'Golden State Warriors',
  ],
  ...['Houston Rockets', 'Indiana Pacers', 'Los Angeles Clippers', 'Los Angeles Lakers', 'Memphis Grizzlies'],
  ...['Miami Heat', 'Milwaukee Bucks', 'Minnesota Timberwolves', 'New Orleans Pelicans', 'New York Knicks'],
  ...['Oklahoma City Thunder', 'Orlando Magic', 'Philadelphia 76ers', 'Phoenix Suns'],
  ...['Portland Trail Blazers', 'Sacramento Kings', 'San Antonio Spurs', 'Toronto Raptors', 'Utah Jazz'],
  'Washington Wizards',
]

export const COUNTRIES = new Weighted([
  ['USA', 330],
  ['Canada', 15],
  ['Australia', 9],
  ['France', 8],
  ['Spain', 6],
  ['Croatia', 6],
  ['Germany', 6],
  ['Serbia', 6],
  ['Greece', 5],
  ['Italy', 5],
  ['Turkey', 5],
  ['Nigeria', 5],
  ['Cameroon', 4],
  ['Slovenia', 4],
  ['Latvia', 4],
  ['Brazil', 4],
  ['Bosnia and Herzegovina', 3],
  ['Democratic Republic of the Congo', 3],
  ['The Bahamas', 3],
  ['New Zealand', 3],
] as const)

export const COLLEGES: readonly string[] = [
  ...['Kentucky', 'Duke', 'North Carolina', 'Texas', 'Kansas', 'UCLA', 'Arizona', 'Indiana', 'Villanova'],
  ...['Michigan', 'USC', 'Michigan State', 'Gonzaga', 'Florida State', 'Oregon', 'Virginia', 'Syracuse'],
  ...['Maryland', 'Texas A&M', "St. John's", 'Miami (FL)', 'Wake Forest', 'Davidson', 'San Diego State'],
  '"California, Santa Barbara"',
]

/** Position with its mean height and weight, m and kg, and their standard deviations. */
export interface Build {
  position: string
  height: number
  heightSpread: number
  weight: number
  weightSpread: number
}

const build = (
  position: string,
  height: number,
  heightSpread: number,
  weight: number,
  weightSpread: number,
): Build => ({
  position,
  height,
  heightSpread,
  weight,
  weightSpread,
})

/** Shares, heights and weights as among NBA players of 2020. */
export const BUILDS = new Weighted([
  [build('G', 1.92, 0.05, 89, 6.5), 172],
  [build('F', 2.03, 0.04, 101, 7.5), 141],
  [build('C', 2.11, 0.04, 111, 9), 49],
  [build('F-C', 2.08, 0.04, 105, 6), 37],
  [build('G-F', 1.97, 0.03, 95, 5.5), 20],
  [build('F-G', 2.03, 0.04, 98, 7), 14],
  [build('C-F', 2.11, 0.04, 108, 6), 6],
])

/** Ratings as frequent as in NBA 2K20, best first. */
export const RATINGS = new Weighted(
  [
    ...[4, 5, 4, 3, 1, 1, 3, 2, 2, 5, 11, 8, 10, 5, 9, 8],
    ...[9, 10, 22, 25, 27, 39, 35, 35, 43, 44, 26, 24, 11, 7, 1],
  ].map((count, i) => [97 - i, count] as const),
)
