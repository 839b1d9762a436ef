import { expect, it } from 'vitest'
import { coloursOnDark, palette } from '../../../../harness/report/plots/theme.ts'

type Matrix = readonly (readonly number[])[]

/** What is seen without red or without green: Machado, Oliveira & Fernandes 2009, on linear light. */
const EYES: Record<string, Matrix> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'without green': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  'without red': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
}

/** CIE L*a*b* of a colour as these eyes see it. */
function lab(colour: string, eyes: Matrix): [number, number, number] {
  const light = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  const seen = eyes.map((row) =>
    Math.min(
      1,
      Math.max(
        0,
        row.reduce((sum, k, i) => sum + k * light[i]!, 0),
      ),
    ),
  )
  const [r, g, b] = seen as [number, number, number]
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047)
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b)
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883)
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

it.each(Object.keys(EYES))('no two colours look alike to eyes that see: %s', (name) => {
  const onDark = coloursOnDark()
  for (const colours of [palette(6), palette(6).map((colour) => onDark.get(colour)!)]) {
    const places = colours.map((colour) => lab(colour, EYES[name]!))
    for (const [i, a] of places.entries())
      for (const [k, b] of places.entries())
        if (i < k)
          expect(
            Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]),
            `${colours[i]} ${colours[k]}`,
          ).toBeGreaterThan(15)
  }
})
