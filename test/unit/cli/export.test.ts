import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseExports, parsePlots, runExports } from '../../../harness/cli/output.ts'
import { temporaryFolder } from '../pipeline/support.ts'

const parse = (...words: string[]) =>
  parseExports({ export: words, overwrite: false, json: false }, ['csv', 'png'])

describe('--export', () => {
  it('takes formats, files and lists of both', async () => {
    const folder = temporaryFolder()
    expect(await parse('html,junit', `markdown=${folder}/new/a,b.md,text=-`)).toEqual([
      { format: 'html', to: null },
      { format: 'junit', to: null },
      { format: 'markdown', to: `${folder}/new/a,b.md` },
      { format: 'text', to: '-' },
    ])
    // Before anything is measured.
    expect(existsSync(join(folder, 'new'))).toBe(true)
  })

  it('is everything of a run where nothing is named, and else only what is', async () => {
    const formats = async (words: string[]) =>
      (await runExports({ export: words, overwrite: false, json: false })).map(({ format }) => format)
    expect(await formats([])).toEqual(['csv', 'json', 'png', 'markdown', 'html'])
    expect(await formats(['json'])).toEqual(['json'])
  })

  it('refuses what cannot be written, and says what can', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'dir'))
    writeFileSync(join(folder, 'file'), '')
    await expect(parse('pdf')).rejects.toThrow(/--export pdf: no such format[\s\S]*formats: csv, arrow, json/)
    await expect(parse('html,pdf=x')).rejects.toThrow('--export pdf=x: no such format')
    await expect(parse('html=')).rejects.toThrow('--export html=: a file is missing after =')
    await expect(parse('csv=-')).rejects.toThrow(/several files[\s\S]*csv=tables/)
    await expect(parse(`csv=${folder}/file`)).rejects.toThrow('needs a folder for several files')
    await expect(parse(`html=${folder}/dir`)).rejects.toThrow('html needs a file')
    await expect(parse('html=-', 'text=-')).rejects.toThrow(
      '--export html=- and --export text=- both need stdout',
    )
    await expect(parseExports({ export: ['text=-'], overwrite: false, json: true }, [])).rejects.toThrow(
      '--json and --export text=-',
    )
  })
})

describe('--plots', () => {
  const png = [{ format: 'png', to: null }] as const
  const chosen = (...words: string[]) => parsePlots({ plots: words }, 'run', png)

  it('takes names, lists of them, all and none', async () => {
    expect(await chosen()).toBeUndefined()
    expect(await chosen('caps, sensitivity', 'caps')).toEqual(['caps', 'sensitivity'])
    expect(await chosen('all')).toContain('latency_vs_accuracy')
    expect(await chosen('none')).toEqual([])
    expect(await parsePlots({ plots: ['none'] }, 'compare', [])).toEqual([])
  })

  it('refuses what it cannot draw, and says what is near', async () => {
    await expect(chosen('latency-vs-acuracy')).rejects.toThrow(
      /--plots latency-vs-acuracy: no such plot; did you mean "latency_vs_accuracy"\?[\s\S]*plots: /,
    )
    await expect(chosen('all,caps')).rejects.toThrow('--plots: all and caps cannot both be')
    await expect(chosen(',')).rejects.toThrow('--plots: a name is missing')
    await expect(parsePlots({ plots: ['significance'] }, 'compare', [])).rejects.toThrow(
      /nothing that is written holds pictures[\s\S]*--export html or --export png/,
    )
  })
})
