import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseExports, runExports } from '../../../harness/cli/export.ts'
import { temporaryFolder } from '../pipeline/support.ts'

const parse = (...words: string[]) => parseExports({ export: words, json: false }, ['csv', 'png'])

describe('--export', () => {
  it('takes formats, files and lists of both', () => {
    const folder = temporaryFolder()
    expect(parse('html,junit', `markdown=${folder}/new/a,b.md,text=-`)).toEqual([
      { format: 'html', to: null },
      { format: 'junit', to: null },
      { format: 'markdown', to: `${folder}/new/a,b.md` },
      { format: 'text', to: '-' },
    ])
    // Before anything is measured.
    expect(existsSync(join(folder, 'new'))).toBe(true)
  })

  it('is everything of a run where nothing is named, and else only what is', () => {
    const formats = (words: string[]) =>
      runExports({ export: words, json: false }).map(({ format }) => format)
    expect(formats([])).toEqual(['csv', 'json', 'png', 'markdown', 'html'])
    expect(formats(['json'])).toEqual(['json'])
  })

  it('refuses what cannot be written, and says what can', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'dir'))
    writeFileSync(join(folder, 'file'), '')
    expect(() => parse('pdf')).toThrow(/--export pdf: no such format[\s\S]*formats: csv, json/)
    expect(() => parse('html,pdf=x')).toThrow('--export pdf=x: no such format')
    expect(() => parse('html=')).toThrow('--export html=: a file is missing after =')
    expect(() => parse('csv=-')).toThrow(/several files[\s\S]*csv=tables/)
    expect(() => parse(`csv=${folder}/file`)).toThrow('needs a folder for several files')
    expect(() => parse(`html=${folder}/dir`)).toThrow('html needs a file')
    expect(() => parse('html=-', 'text=-')).toThrow('--export html=- and --export text=- both need stdout')
    expect(() => parseExports({ export: ['text=-'], json: true }, [])).toThrow('--json and --export text=-')
  })
})
