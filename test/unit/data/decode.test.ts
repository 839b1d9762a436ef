import { describe, expect, it } from 'vitest'
import type { ColumnSpec } from '../../../workers/data/columns.ts'
import { daysFromCivil, monthIndex } from '../../../workers/data/dates.ts'
import { decodeCategory, decodeDate, decodeNumber, misfit } from '../../../workers/data/decode.ts'

const number = (spec: Partial<ColumnSpec> = {}): ColumnSpec => ({ name: 'x', kind: 'number', ...spec })
const date = (format?: ColumnSpec['format']): ColumnSpec => ({
  name: 'x',
  kind: 'date',
  ...(format && { format }),
})

describe('a strict number', () => {
  it.each(['1', ' 2.5 ', '-0', '+3', '1e5', '.5', '5.', '1e-320', '\t7\r'])(
    'is what Number() says of %j',
    (text) => {
      expect(decodeNumber(text, number())).toBe(Number(text.trim()))
    },
  )

  it.each(['1,000', '$5', '5kg', 'Infinity', '1e999', '1 2', 'NaN', '--1', '0x10', '0b1'])(
    'refuses %j',
    (text) => {
      expect(decodeNumber(text, number())).toBeNull()
    },
  )

  it('is missing when empty, blank, or spelled so', () => {
    expect(decodeNumber('', number())).toBeNaN()
    expect(decodeNumber('   ', number())).toBeNaN()
    expect(decodeNumber(' NA ', number({ missing: ['NA'] }))).toBeNaN()
    expect(decodeNumber('NA', number())).toBeNull()
  })

  it('takes what follows the last `after`, and needs it', () => {
    const metric = number({ after: ' / ' })
    expect(decodeNumber('6-9 / 2.06', metric)).toBe(2.06)
    expect(decodeNumber('1 / 2 / 3', metric)).toBe(3)
    expect(decodeNumber('2.06', metric)).toBeNull()
    expect(decodeNumber('6-9 / ', metric)).toBeNull()
  })

  it('takes words for numbers, but no inherited ones', () => {
    const words = number({ words: { Undrafted: 0 } })
    expect(decodeNumber(' Undrafted ', words)).toBe(0)
    expect(decodeNumber('14', words)).toBe(14)
    expect(decodeNumber('toString', words)).toBeNull()
  })
})

describe('a loose number', () => {
  it.each([
    ['$37436858', 37436858],
    ['$1,234,567.89', 1234567.89],
    ['113.4 kg.', 113.4],
    ['#23', 23],
    ['-5', -5],
    ['-$5', -5],
    ['$-5', -5],
    ['€ 12', 12],
    ['12%', 12],
    ['1e3 W', 1000],
    ['.5 l', 0.5],
    ['1,000', 1000],
    ['(1.234)', -1.234],
    ['($1,250.00)', -1250],
    ['$(1,250.00)', -1250],
    ['1.234-', -1.234],
    ['80 kg-', -80],
    ['12.3K', 12300],
    ['about 12.3K', 12300],
    ['€1.2M', 1200000],
    ['−5', -5],
  ])('reads %j as %d', (text, value) => {
    expect(decodeNumber(text, number({ loose: true }))).toBe(value)
  })

  it.each([
    ...['1,5', '1.234.567', '12 345', '1,2345', 'none', '$', '1,234,56', '0,123'],
    ...['<=50K', '> 5', '#DIV/0!', '6-9', '1/2 cup', '13:45', '1.234,5', '(5', '~5'],
  ])('refuses the ambiguous or empty %j', (text) => {
    expect(decodeNumber(text, number({ loose: true }))).toBeNull()
  })
})

describe('a number with one currency sign or unit', () => {
  it.each([
    ['$', '$5', 5],
    ['$', '5', 5],
    ['$', '($1,250.50)', -1250.5],
    ['$', '€5', null],
    ['$', '$5 kg', null],
    ['CHF', 'CHF 5', 5],
    ['CHF', '$5', null],
    ['Fr.', "Fr. 1'200.-", 1200],
    ['€', '5.– €', 5],
    ['$', '$5.--', 5],
    ['$', '$5-', -5],
    ['$', '$5.00-', -5],
    ['$', '5.-3', null],
  ])('takes %s in %j as %d', (currency, text, value) => {
    expect(decodeNumber(text, number({ currency }))).toBe(value)
  })

  it.each([
    ['kg', '80 kg', 80],
    ['kg', '80', null],
    ['kg', '80 lb', null],
    ['K', '273 K', 273],
    ['kg/m2', '22.5 kg/m2', 22.5],
    ['', '1.5M', 1500000],
    ['', '5 kg', null],
    ['', 'a5', null],
  ])('takes %j in %j as %d', (unit, text, value) => {
    expect(decodeNumber(text, number({ unit }))).toBe(value)
  })
})

describe('a date', () => {
  it.each([
    ['12/30/84', 'mdy2', '1984-12-30'],
    ['02/29/00', 'mdy2', '2000-02-29'],
    ['1/2/49', 'mdy2', '2049-01-02'],
    ['1/2/50', 'mdy2', '1950-01-02'],
    ['3/14/1988', 'mdy4', '1988-03-14'],
    ['14.03.1988', 'dmy4', '1988-03-14'],
    ['1988-03-14', 'iso', '1988-03-14'],
    ['14/3/88', 'dmy2', '1988-03-14'],
    ['1988/03/14', 'ymd', '1988-03-14'],
    ['19880314', 'ymd', '1988-03-14'],
    ['0001-01-01', 'iso', '0001-01-01'],
  ] as const)('reads %j as %s', (text, format, day) => {
    expect(decodeDate(text, date(format))).toBe(Date.parse(`${day}T00:00:00Z`) / 86_400_000)
  })

  it.each(['1988-03-14T23:59:59Z', '1988-03-14T00:30:00+02:00', '1988-03-14T06:00:00.25-0530'])(
    'with a time of day is a part of the day in UTC: %s',
    (text) => {
      expect(decodeDate(text, date('iso'))).toBeCloseTo(Date.parse(text) / 86_400_000, 9)
    },
  )

  it.each([
    ['1988-03-14 24:01', 'iso'],
    ['1988/0314', 'ymd'],
    ['02/29/1900', 'mdy4'],
    ['13/01/2000', 'mdy4'],
    ['2000-00-10', 'iso'],
    ['2000-04-31', 'iso'],
    ['1/2-84', 'mdy2'],
    ['yesterday', 'iso'],
  ] as const)('refuses %j', (text, format) => {
    expect(decodeDate(text, date(format))).toBeNull()
  })

  it.each([
    '1er janvier 2000',
    'samedi 1 janv. 2000',
    '1. Jänner 2000',
    'Sa., 1. Januar 2000',
    '1 de enero de 2000',
    'sábado, 1 de enero del 2000',
    '1º de janeiro de 2000',
    '1 gennaio 2000',
    '1. januari 2000',
    'enero de 2000',
  ])('is known by the name of its month in other languages: %j', (text) => {
    expect(decodeDate(text, date('month_name'))).toBe(Date.UTC(2000, 0, 1) / 86_400_000)
  })

  it.each([
    ['2', 'févr. fevereiro feb. Februar febrero febbraio'],
    ['3', 'mars März Mrz marzo março maart marts'],
    ['4', 'avril abril aprile April'],
    ['5', 'mai Mai mayo maggio maio mei maj'],
    ['6', 'juin Juni junio giugno junho'],
    ['7', 'juillet juil. Juli julio luglio julho'],
    ['8', 'août aout agosto augusti August'],
    ['9', 'sept. setembro settembre septiembre'],
    ['10', 'octobre Oktober outubro ottobre'],
    ['11', 'novembre noviembre'],
    ['12', 'déc. décembre Dezember diciembre dicembre desember'],
  ])('has month %s as %j', (month, names) => {
    for (const name of names.split(' ')) {
      expect(decodeDate(`7 ${name} 2021`, date('month_name')), name).toBe(
        Date.UTC(2021, Number(month) - 1, 7) / 86_400_000,
      )
    }
  })

  it.each(['set 12', 'gen-10', 'out 3 45', '7 lorem 2021', 'item 3 2021'])('has no month in %j', (text) => {
    expect(decodeDate(text, date('month_name'))).toBeNull()
  })

  it('goes to year and month and back for every day of 1600 to 2400', () => {
    const first = daysFromCivil(1600, 1, 1)!
    const last = daysFromCivil(2400, 12, 31)!
    for (let day = first; day <= last; day += 1) {
      const real = new Date(day * 86_400_000)
      const index = real.getUTCFullYear() * 12 + real.getUTCMonth()
      if (monthIndex(day) !== index) expect([day, monthIndex(day)]).toEqual([day, index])
    }
    expect(monthIndex(Number.NaN)).toBeNaN()
  })
})

describe('a category', () => {
  it('is the trimmed text, or missing', () => {
    const spec: ColumnSpec = { name: 'x', kind: 'category', missing: ['?'] }
    expect(decodeCategory(' a b ', spec)).toBe('a b')
    expect(decodeCategory(' ', spec)).toBeNull()
    expect(decodeCategory(' ? ', spec)).toBeNull()
  })
})

describe('a misfit', () => {
  it('says what was expected and what was found', () => {
    expect(misfit('abc', number({ after: '$' }))).toBe('expected a number after "$", found "abc"')
    expect(misfit('abc', date('mdy2'))).toBe('expected a date of the form MM/DD/YY, found "abc"')
    expect(misfit('y'.repeat(500), number()).length).toBeLessThan(120)
  })
})

describe('weeks of ISO 8601', () => {
  it.each([
    ['2019-W01', '2018-12-31'],
    ['2020-W53-7', '2021-01-03'],
    ['2021W01', '2021-01-04'],
    ['2016-w05-3', '2016-02-03'],
  ])('%s is %s', (week, day) => {
    const spec = { name: 'x', kind: 'date', format: 'ym' } as const
    expect(decodeDate(week, spec)).toBe(Date.parse(`${day}T00:00:00Z`) / 86_400_000)
  })

  it.each(['2021-W53', '2019-W00', '2019-W54', '2019-W01-8'])('%s is none', (week) => {
    expect(decodeDate(week, { name: 'x', kind: 'date', format: 'ym' })).toBeNull()
  })
})
