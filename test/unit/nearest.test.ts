import { describe, expect, it } from 'vitest'
import { didYouMean, namesHint } from '../../harness/nearest.ts'
import { suggest } from '../../workers/data/header.ts'
import { nearest } from '../../workers/data/nearest.ts'

describe('a name that is none', () => {
  it.each([
    ['chunk_szie', ['batch_size', 'chunk_size'], 'chunk_size'],
    ['chunkSize', ['batch_size', 'chunk_size'], 'chunk_size'],
    ['sdg', ['ridge', 'sgd'], 'sgd'],
    ['egde', ['server', 'edge'], 'edge'],
    ['latency', ['wall_s', 'latency_p50_ms'], 'latency_p50_ms'],
    ['latency_p50', ['latency_p90_ms', 'latency_p50_ms'], 'latency_p50_ms'],
    ['latncy', ['load', 'latency_ecdf'], 'latency_ecdf'],
    ['lat', ['last', 'load', 'latency_p50_ms'], 'latency_p50_ms'],
    ['margin', ['margin_of_error', 'margins'], 'margins'],
    ['sensitvity', ['significance_map', 'sensitivity_of_settings'], 'sensitivity_of_settings'],
    ['la', ['latency_p50_ms'], null],
    ['x', ['pa', 'sgd'], null],
    ['xy', ['pa', 'x'], 'x'],
    ['entirely', ['something', 'else'], null],
    ['', ['a'], null],
    ['a', [], null],
  ])('%j among %j: %j', (name, names, meant) => {
    expect(nearest(name, names)).toBe(meant)
    expect(didYouMean(name, new Set(names).values())).toBe(meant === null ? '' : `; did you mean "${meant}"?`)
  })

  const many = Array.from({ length: 30 }, (_, i) => `setting_${i}`).concat('chunk_size', 'max_chunk_retries')

  it('is answered by all names where they are few, and by the nearest three where they are many', () => {
    expect(namesHint('keys', 'z', ['b', 'a'])).toBe('keys: b, a')
    expect(namesHint('keys', 'chunk', many, 'see there')).toMatch(
      /^nearest of 32 keys: chunk_size, max_chunk_retries, \w+; see there$/,
    )
    expect(namesHint('keys', 'setting_3', new Map(many.map((key) => [key, 1])).keys())).toMatch(
      /^nearest of 32 keys: setting_3, setting_0, setting_1$/,
    )
  })

  it('has those that begin like it before others', () => {
    const pictures = [
      'load',
      'caps',
      'growth',
      'profiles',
      'found',
      'history',
      'stream',
      'latency_ecdf',
      'tail',
    ]
    expect(namesHint('pictures', 'latncy', pictures)).toMatch(/^nearest of 9 pictures: latency_ecdf, /)
    expect(suggest('salry', ['sales', 'salary_in_dollars'])).toMatch(/^; did you mean "salary_in_dollars"\?/)
  })

  it('of a column as well, of however many', () => {
    expect(suggest('colr', ['size', 'colour'])).toBe('; did you mean "colour"? Columns: size, colour')
    const wide = suggest(
      'setting_31',
      Array.from({ length: 3000 }, (_, i) => `setting_${i}`),
    )
    expect(wide).toMatch(/^; did you mean "setting_31"\? Columns: setting_31, .* and 2980 more$/)
    expect(wide.length).toBeLessThan(400)
  })
})
