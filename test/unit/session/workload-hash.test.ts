import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hashWorkload } from '../../../harness/execute/workload-code.ts'
import { builtFile, packageFolder } from '../../../harness/package-folder.ts'
import { loadedFiles } from '../../fixtures/loaded-files.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'workload-hash-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the hash of a workload', () => {
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  it('follows local imports of every form, also in a circle, and nothing else', () => {
    mkdirSync(join(folder, 'deep'))
    const entry = write(
      'entry.mjs',
      `import a from './a.mjs'\nexport * from "./b.js"\nconst c = await import('./c.mjs')\nconst d = require('./d')\nconst e = new URL('./e.json', import.meta.url)\nimport 'node:fs'\nimport './absent.mjs'\nimport './f.mjs'\n`,
    )
    const parts = ['a.mjs', 'b.js', 'c.mjs', 'd.cjs', 'e.json', 'f.mjs', 'deep/g.mjs']
    for (const part of parts) write(part, '1')
    write('f.mjs', `import './deep/g.mjs'\nimport './entry.mjs'\n`)
    write('unrelated.mjs', '1')
    let hash = hashWorkload(entry)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    write('unrelated.mjs', '2')
    expect(hashWorkload(entry)).toBe(hash)
    for (const part of parts.filter((name) => name !== 'f.mjs')) {
      write(part, '2')
      const changed = hashWorkload(entry)
      expect(changed, part).not.toBe(hash)
      hash = changed
    }
  })

  it('of a program covers its words, the files among them, and what those import beside them', () => {
    const source = { command: ['python3', 'main.py', '--fast', 'table.json'], folder }
    write('main.py', 'import json, side\nfrom part import inner as one\nfrom . import near\n')
    mkdirSync(join(folder, 'part'))
    const parts = ['side.py', 'part/inner.py', 'part/__init__.py', 'near.py', 'table.json']
    for (const part of parts) write(part, '1')
    write('far.py', '1')
    let hash = hashWorkload(source)
    write('far.py', '2')
    expect(hashWorkload(source)).toBe(hash)
    for (const part of [...parts, 'main.py']) {
      appendFileSync(join(folder, part), ' ')
      const changed = hashWorkload(source)
      expect(changed, part).not.toBe(hash)
      hash = changed
    }
    expect(hashWorkload({ ...source, command: ['python3', 'main.py', 'table.json'] })).not.toBe(hash)
  })

  it('of the pipeline covers every file of the package that Node loads for it', () => {
    const dist = join(folder, 'dist')
    cpSync(dirname(builtFile('workers')), dist, { recursive: true })
    symlinkSync(join(packageFolder(), 'node_modules'), join(folder, 'node_modules'))
    write('package.json', '{ "type": "module" }')
    const entry = join(dist, 'workers/pipeline/workload.js')
    let hash = hashWorkload(entry)
    expect(hash).toBe(hashWorkload('pipeline'))

    const loaded = loadedFiles([entry]).filter((path) => path.startsWith(dist))
    expect(loaded).toContain(entry)
    expect(loaded.length).toBeGreaterThan(1)
    for (const file of loaded) {
      appendFileSync(file, '// changed')
      const changed = hashWorkload(entry)
      expect(changed, file).not.toBe(hash)
      hash = changed
    }
  })
})
