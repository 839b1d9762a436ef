import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { OWN_FONT, textWidth } from '../../../../harness/report/plots/text.ts'
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

/** Characters that a font has a sign for, by its table of segments (format 4 of `cmap`, OpenType 1.9). */
function charactersOf(font: Buffer): Set<number> {
  const cmap = font.subarray(tableStart(font, 'cmap'))
  const characters = new Set<number>()
  for (let i = 0; i < cmap.readUInt16BE(2); i++) {
    const table = cmap.subarray(cmap.readUInt32BE(8 + 8 * i))
    if (table.readUInt16BE(0) !== 4) continue
    const segments = table.readUInt16BE(6) / 2
    for (let k = 0; k < segments; k++) {
      const last = table.readUInt16BE(14 + 2 * k)
      for (let code = table.readUInt16BE(16 + 2 * (segments + k)); code <= last; code++) characters.add(code)
    }
  }
  return characters
}

function tableStart(font: Buffer, tag: string): number {
  for (let entry = 12; ; entry += 16)
    if (font.toString('latin1', entry, entry + 4) === tag) return font.readUInt32BE(entry + 8)
}

it('looks for fonts of the system where a text has a sign that the own ones lack, and for no other', () => {
  const SOFT_HYPHEN = 0xad
  for (const face of fontFaces()) {
    const own = charactersOf(trueType(face))
    for (let code = 0; code < 0xd800; code++)
      if (OWN_FONT.test(String.fromCharCode(code)) && code !== SOFT_HYPHEN)
        expect(own, code.toString(16)).toContain(code)
  }
  for (const text of ['chunk_size 64, max_memory_mb 0.5', 'R² ≥ 0.8 · −3% … “größer”', 'Скорость → ×2'])
    expect(text).toMatch(OWN_FONT)
  for (const text of ['块大小', 'sales 😀', 'عربي']) {
    expect(text).not.toMatch(OWN_FONT)
    expect(textWidth(text, 12)).toBeGreaterThan(10)
  }
})
