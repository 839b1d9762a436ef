import { expect, it } from 'vitest'
import { scaleOfLevels } from '../../../../harness/report/plots/scale.ts'

it('has ticks at the values of a setting where they are few, and round ones between many', () => {
  expect(scaleOfLevels([64]).ticks).toEqual([64])
  expect(scaleOfLevels([256, 64, 256]).ticks).toEqual([64, 256])
  expect(scaleOfLevels([6400, 25600], { log: true }).ticks).toEqual([6400, 25600])
  const many = scaleOfLevels(Array.from({ length: 40 }, (_, i) => 3 * i))
  expect(many.ticks).toEqual([0, 20, 40, 60, 80, 100, 120])
})
