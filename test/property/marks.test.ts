import fc from 'fast-check'
import { expect, it } from 'vitest'
import { dialectBytes } from '../../workers/data/csv/dialect.ts'
import { Marks } from '../../workers/data/csv/marks.ts'

const LARGEST_CONTROL = 15

it('runs on vectors here, as on every machine that Node 20 supports', () => {
  expect(new Marks(dialectBytes({})).usable).toBe(true)
})

it('finds the marks that a loop over the bytes finds, wherever the window starts and ends', () => {
  const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(10, 13, 34, 44, 15, 16, 172))
  const separator = fc.constantFrom(',', ';', ' ', '|')
  const quote = fc.constantFrom('"', "'", null)
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.array(byte, { maxLength: 300 }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(200),
      separator,
      quote,
      (head, tail, times, from, separatorText, quoteText) => {
        const bytes = Uint8Array.from([...head, ...Array.from({ length: times }, () => tail).flat()])
        const start = Math.min(from, bytes.length - 1)
        const dialect = dialectBytes({ separator: separatorText, quote: quoteText })
        const marks = new Marks(dialect)
        marks.find(bytes, start, bytes.length)
        const places = Array.from({ length: marks.end - start }, (_, i) => start + i)
        const other = (at: number) => bytes[at]! <= LARGEST_CONTROL || bytes[at] === dialect.quote
        const others = places.filter((at) => other(at) && bytes[at] !== dialect.separator)
        const all = places.filter((at) => other(at) || bytes[at] === dialect.separator)
        expect(Array.from(marks.places.subarray(0, all.length + 2))).toEqual([start - 1, ...all, -1])
        expect(
          Array.from(marks.others.subarray(0, marks.otherCount)).filter(
            (at) => bytes[at] !== dialect.separator,
          ),
        ).toEqual(others)
      },
    ),
    { numRuns: 300 },
  )
})
