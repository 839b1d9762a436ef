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
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { builtFile, packageFolder } from '../../../harness/package-folder.ts'
import { changesSince } from '../../../harness/record/changes.ts'
import { hashWorkload } from '../../../harness/session/workload-hash.ts'
import { loadedFiles } from '../../fixtures/loaded-files.ts'
import { syntheticRun } from '../report/synthetic.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'changes-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { manifest } = syntheticRun()
const same = () => structuredClone({ ...manifest, stint: manifest.stint })

describe('changes since a run began', () => {
  it('are none on the same machine, whatever its load and the kernel patch', () => {
    const now = same()
    now.machine.load_at_start = [9, 9, 9]
    now.machine.kernel = `${manifest.machine.kernel.split('.').slice(0, 2).join('.')}.999-new`
    expect(changesSince(manifest, now)).toEqual([])
  })

  it('are named one by one', () => {
    const now = same()
    now.stint = '99.0.0'
    now.machine.cores += 1
    now.machine.memory_mb += 1
    now.machine.kernel = '99.9.0'
    now.machine.cgroup.cpu_quota_cores = 0.5
    now.workload_hash = 'b'.repeat(64)
    now.datasets[0]!.fingerprint.sha256 = 'c'.repeat(64)
    const changes = changesSince(manifest, now)
    const kinds = ['stint', 'data', 'workload', 'machine', 'machine', 'system', 'machine']
    expect(changes.map(({ kind }) => kind)).toEqual(kinds)
    const words = changes.map(({ what }) => what).join('\n')
    expect(words).toMatch(/version of stint was .* and is 99\.0\.0/)
    expect(words).toMatch(/and is sha256 cccccccccccc\.\.\./)
    expect(words).toMatch(/CPU quota on stint itself was .* and is 0\.5/)
  })
})

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

  it('of the pipeline covers every file of the package that Node loads for it', () => {
    const workers = join(folder, 'workers')
    cpSync(builtFile('workers'), workers, { recursive: true })
    symlinkSync(join(packageFolder(), 'node_modules'), join(folder, 'node_modules'))
    write('package.json', '{ "type": "module" }')
    const entry = join(workers, 'pipeline/workload.js')
    let hash = hashWorkload(entry)
    expect(hash).toBe(hashWorkload('pipeline'))

    const loaded = loadedFiles([entry]).filter((path) => path.startsWith(workers))
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
