import { describe, expect, it } from 'vitest'
import { MISSING, specOf } from '../../../workers/data/column-spec.ts'
import { decodeDate } from '../../../workers/data/decode.ts'
import { inferColumn, newProfile } from '../../../workers/data/infer.ts'

const rows = (n: number, of: (i: number) => string) => Array.from({ length: n }, (_, i) => of(i))
const inferAs = (texts: string[], asked?: Parameters<typeof inferColumn>[1]) => {
  const profile = newProfile('x', asked, new Set(MISSING))
  for (const [i, text] of texts.entries()) {
    const bytes = Buffer.from(text)
    profile.add(bytes, 0, bytes.length, i + 2)
  }
  const { declaration, note } = inferColumn(profile, asked)
  return { declaration, note, spec: specOf('x', declaration) }
}
const infer = (texts: string[]) => inferAs(texts)

describe('the type of a column', () => {
  it('is number where every value is one, with missing spellings', () => {
    expect(infer(['1', ' 2.5', 'NA', '', 'null', '?'])).toMatchObject({
      spec: { kind: 'number', missing: MISSING },
      note: null,
    })
    expect(infer(['1', '2']).spec).not.toHaveProperty('loose')
  })

  it('is number where an exponent makes values large, and an identifier where digits do', () => {
    expect(infer(rows(300, (i) => `${(1 + i / 1000).toFixed(5)}e+199`)).spec?.kind).toBe('number')
    expect(infer(rows(300, (i) => `1${String(i * 7919).padStart(17, '0')}`)).note).toMatch(
      /18 digits all differ/,
    )
  })

  it.each([
    [['$1,250', '$3', '4'], { currency: '$' }, '"$" left out, commas taken for thousands separators'],
    [['5 kg', '7kg', 'n/a'], { unit: 'kg' }, '"kg" left out'],
    [['12%', '3.5%'], { unit: '%' }, '"%" left out'],
    [['-$5', '$6', '$-7'], { currency: '$' }, '"$" left out'],
    [['12 €', '1.5 €'], { currency: '€' }, '"€" left out'],
    [['1,234', '999'], { unit: '' }, 'commas taken for thousands separators'],
    [['(1.234)', '2', '3.5-'], { unit: '' }, 'those as (5) or 5- are negative'],
    [['12.3K', '1.2M', '900'], { unit: '' }, 'K taken for thousands, M taken for millions'],
    [['0,123', '1,5'], { decimal: ',' }, 'a comma taken for the decimal mark'],
    [
      ['1.234,50', '2.345,60', '3,5'],
      { decimal: ',', unit: '' },
      'a comma taken for the decimal mark; points taken for thousands separators',
    ],
    [['1 234', '12 345 678', '7'], { unit: '' }, 'spaces taken for thousands separators'],
    [["1'234.5", '7'], { unit: '' }, 'apostrophes taken for thousands separators'],
    [
      ["CHF 1'000", 'CHF 7', '12'],
      { currency: 'CHF' },
      '"CHF" left out, apostrophes taken for thousands separators',
    ],
    [
      ['US$5', 'US$1,250.50', '-US$3'],
      { currency: 'US$' },
      '"US$" left out, commas taken for thousands separators',
    ],
    [['Rs. 500', 'Rs. 7'], { currency: 'Rs.' }, '"Rs." left out'],
    [
      ['(EUR 5)', 'EUR 6', 'missing', '+NaN'],
      { currency: 'EUR' },
      '"EUR" left out, those as (5) or 5- are negative',
    ],
  ])('is a number with the one thing written around all of %j', (texts, declared, said) => {
    expect(infer(texts)).toMatchObject({
      declaration: { kind: 'number', ...declared },
      note: `read x as numbers: ${said}`,
    })
  })

  it.each([
    [['<=50K', '>50K']],
    [['ABC 5', 'ABC 7']],
    [['EUR 5', 'USD 7']],
    [['class_0', 'class_1']],
    [['d7', 'd8']],
    [['#23', '#7']],
    [['#DIV/0!', '1']],
    [['80 kg', '75']],
    [['80 kg', '75 lb']],
    [['$5', '5 €']],
    [['12%', '0.12']],
    [['1-2', '3-4']],
    [['--5', '+5']],
  ])('is no number for %j', (texts) => {
    expect(infer(texts)).toMatchObject({ declaration: { kind: 'category' } })
  })

  it('is no number where text merely contains one', () => {
    expect(infer(['6-9 / 2.06', '6-10 / 2.08']).spec?.kind).toBe('category')
    expect(infer(['flat 1 high', 'road 2 b', 'route 6 c', 'hill 9 d']).spec?.kind).toBe('category')
  })

  it.each([
    [['2020-01-31', '2020-02-01'], 'iso', null],
    [['12/31/2020', '1/2/2021'], 'mdy4', null],
    [['31/12/2020', '1/2/2021'], 'dmy4', null],
    [['12/31/84', ''], 'mdy2', null],
    [['1/2/2020', '3/4/2021'], 'mdy4', /would also fit day\/month\/year/],
  ])('is date for %j', (texts, format, note) => {
    const inferred = infer(texts)
    expect(inferred.spec).toMatchObject({ kind: 'date', format })
    if (note === null) expect(inferred.note).toBeNull()
    else expect(inferred.note).toMatch(note)
  })

  it('is category where values repeat or are few', () => {
    expect(infer(rows(200, (i) => `city ${'abcdefgh'[i % 8]}`)).spec).toMatchObject({ kind: 'category' })
    expect(infer(['a', 'b', 'c']).spec).toMatchObject({ kind: 'category' })
  })

  it.each([
    [
      rows(100, (i) => `name ${String.fromCharCode(97 + (i % 26))}${i}`),
      /^dropped x: 100 of 100 values differ, such as "name a0" \(line 2\), .*\{ x: hash \} would use it$/,
    ],
    [rows(30, (i) => `${i + 1}`), /counts the rows/],
    [['', 'NA'], /none of its 2 rows has a value/],
  ])('is none for what cannot be learned from', (texts, note) => {
    expect(infer(texts).spec).toBeNull()
    expect(infer(texts).note).toMatch(note)
  })

  it('is hashed where values are many and come again', () => {
    const many = rows(
      1000,
      (i) => 'bcdefghijklmopqrstuv'[i % 20]! + 'bcdefghijklmopq'[Math.floor((i % 300) / 20)]!,
    )
    expect(infer(many)).toMatchObject({
      spec: { kind: 'category', buckets: 64 },
      note: expect.stringContaining('300 distinct ones'),
    })
  })

  it.each([
    [['yes', 'no', 'NA']],
    [['TRUE', 'False']],
    [['y', 'n', '']],
    [['on']],
    [['true', '1', 'FALSE', '0']],
  ])('is boolean for %j', (texts) => {
    expect(infer(texts).declaration).toEqual({ kind: 'boolean' })
    expect(infer(texts).spec).toMatchObject({ kind: 'number', words: { yes: 1, no: 0, True: 1, OFF: 0 } })
  })

  it('is no boolean where the words are of different pairs', () => {
    expect(infer(['yes', 'false']).declaration).toEqual({ kind: 'category' })
    expect(infer(['yes', 'no', '2']).declaration).toEqual({ kind: 'category' })
  })

  it.each([
    [['31.12.2020', '1.2.2021'], 'dmy4'],
    [['1.2.2020', '3.4.2021'], 'dmy4'],
    [['31/12/84', '1/2/85'], 'dmy2'],
    [['2020/01/31', '2020/02/01'], 'ymd'],
    [['2020-01-31T10:00:00Z', '2020-02-01 23:59'], 'iso'],
  ])('is date for %j', (texts, format) => {
    expect(infer(texts).declaration).toMatchObject({ kind: 'date', format })
  })

  it('is what was asked for', () => {
    expect(inferAs(['1', '2'], 'category').spec?.kind).toBe('category')
    expect(inferAs(['1', '2'], 'drop')).toMatchObject({ spec: null, note: null })
    expect(inferAs(['$1', '2'], 'number').spec).toMatchObject({ kind: 'number', currency: '$' })
    expect(inferAs(['1', '2', 'x'], 'number').declaration).toEqual({ kind: 'number' })
    expect(inferAs(['31/12/2020'], 'date').spec).toMatchObject({ kind: 'date', format: 'dmy4' })
    expect(inferAs(['1', '2', '3'], 'number').spec).not.toHaveProperty('loose')
  })
})

describe('months and quarters', () => {
  it.each([
    ['2000Q1', '2000Q4', 10957, 11231],
    ['Q1 2000', 'q4-2000', 10957, 11231],
    ['2000M1', '2000-M12', 10957, 11292],
    ['200001', '200012', 10957, 11292],
  ])('are dates where all values are: %s, %s', (first, last, from, to) => {
    const { declaration, spec } = infer([first, last, ''])
    expect(declaration).toMatchObject({ kind: 'date', format: 'ym' })
    expect([decodeDate(first, spec!), decodeDate(last, spec!)]).toEqual([from, to])
  })

  it('are told where digits are taken for them, and no others are', () => {
    expect(infer(['200001', '199912']).note).toContain('six digits taken for year and month')
    for (const other of ['200013', '200000', '150001', '20001', '200001.5', '2000015'])
      expect(infer(['200001', '199912', other]).declaration.kind, other).toBe('number')
    expect(infer(['2000Q5', '2000Q1', '2000Q2']).declaration.kind).toBe('category')
  })
})
