import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { fontFaces, trueType } from '../../../../harness/report/plots/theme.ts'

const { resolve } = createRequire(import.meta.url)

/** Tables by their tag. */
function tablesOf(font: Buffer): Map<string, Buffer> {
  return new Map(
    Array.from({ length: font.readUInt16BE(4) }, (_, i) => {
      const entry = font.subarray(12 + 16 * i, 28 + 16 * i)
      const [start, length] = [entry.readUInt32BE(8), entry.readUInt32BE(12)]
      return [entry.toString('latin1', 0, 8), font.subarray(start, start + length)]
    }),
  )
}

it('unpacks every table of a font as it was, in as many bytes', () => {
  for (const face of fontFaces()) {
    const name = basename(face.path, '.woff')
    const original = readFileSync(
      resolve(`@expo-google-fonts/inter/${name.replace('Inter_', '')}/${name}.ttf`),
    )
    const unpacked = trueType(face)
    expect(unpacked.subarray(0, 12)).toEqual(original.subarray(0, 12))
    expect(unpacked).toHaveLength(original.length)
    expect([...tablesOf(unpacked).keys()]).toEqual([...tablesOf(original).keys()])
    for (const [tag, table] of tablesOf(original))
      expect(tablesOf(unpacked).get(tag)!.equals(table), tag).toBe(true)
    expect(readFileSync(face.path).length).toBeLessThan(original.length / 2)
  }
})
