import { describe, expect, it } from 'vitest'
import { startingSize } from '../../../workers/pipeline/control.ts'

const caps = (memory_mb: number | null, compute_units: number | null) => ({ memory_mb, compute_units })

describe('the size to start with', () => {
  it.each([
    // 512 / 1024 x 0.5 of 128 rows.
    [128, caps(512, 0.5), 439, 32],
    [256, caps(512, 0.5), 439, 64],
    // The edge template: 256 / 1024 x 0.4 of 64 is 6.4, under the least start.
    [64, caps(256, 0.4), 439, 16],
    [96, caps(256, 0.4), 439, 16],
    [256, caps(4096, 1), 439, 256],
    // Factors never go below a tenth.
    [10_000, caps(4, 0.05), 1_000_000, 100],
    [10_000, caps(null, 0.05), 1_000_000, 1000],
    [300, caps(null, null), 1_000_000, 300],
    // At most what was asked for, and the rows there are.
    [8, caps(256, 0.4), 439, 8],
    [256, caps(4096, 1), 100, 100],
    [256, caps(256, 0.4), 5, 5],
  ])('of %i under %j with %i rows is %i', (size, limits, rows, expected) => {
    expect(startingSize(size, limits, rows)).toBe(expected)
  })
})
