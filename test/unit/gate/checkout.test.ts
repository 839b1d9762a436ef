import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Checkout, checkOut } from '../../../harness/gate/checkout.ts'
import { TimeLimit } from '../../../harness/gate/time-limit.ts'
import { gateSettings } from '../../../harness/sweep/build.ts'
import type { SweepInput } from '../../../harness/sweep/schema.ts'
import type { GateSettings } from '../../../harness/sweep/types.ts'

let top: string
let checkout: Checkout | null
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'checkout-test-')))
  checkout = null
  git('init', '-q', '-b', 'main')
  write('.gitignore', 'node_modules\nbuilt\n')
  write('bench/w.mjs', 'export default 1\n')
})
afterEach(() => {
  checkout?.remove()
  expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  rmSync(top, { recursive: true, force: true })
})

function write(name: string, text: string): void {
  mkdirSync(dirname(join(top, name)), { recursive: true })
  writeFileSync(join(top, name), text)
}

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false']
  const done = spawnSync('git', ['-C', top, ...identity, ...words], { encoding: 'utf8' })
  expect(done.status, done.stderr).toBe(0)
  return done.stdout
}

function commit(): void {
  git('add', '-A')
  git('commit', '-q', '-m', 'change')
}

function otherVersion(settings: Partial<GateSettings> = {}, workload = 'bench/w.mjs', buildCandidate = true) {
  return checkOut({
    ref: 'HEAD',
    sweep: join(top, 'sweep.yaml'),
    workload: join(top, workload),
    settings: { ...gateSettings({} as SweepInput), install: null, ...settings },
    buildCandidate,
    limit: new TimeLimit(60_000),
    signal: new AbortController().signal,
    onStep: () => {},
  })
}

const read = (path: string) => readFileSync(path, 'utf8')

describe('the packages of the other version', () => {
  it("are the working copy's, but a workspace's own are those of the commit", async () => {
    write('package.json', '{"workspaces":["packages/*"]}')
    for (const name of ['one', '@own/two']) {
      write(`packages/${name}/package.json`, '{}')
      write(`packages/${name}/index.mjs`, 'before')
    }
    commit()
    write('packages/one/index.mjs', 'after')
    write('packages/@own/two/index.mjs', 'after')
    write('packages/young/index.mjs', 'after')
    write('node_modules/third/index.mjs', 'third')
    write('node_modules/.store/fourth/index.mjs', 'fourth')
    mkdirSync(join(top, 'node_modules/@own'))
    const links = {
      one: '../packages/one',
      '@own/two': '../../packages/@own/two',
      young: '../packages/young',
      fourth: '.store/fourth',
    }
    for (const [name, to] of Object.entries(links)) symlinkSync(to, join(top, 'node_modules', name))
    checkout = await otherVersion()
    const packages = join(checkout.root, 'node_modules')
    const [one, two] = [join(packages, 'one/index.mjs'), join(packages, '@own/two/index.mjs')]
    expect([one, two].map(read)).toEqual(['before', 'before'])
    expect(['third', 'fourth'].map((name) => read(join(packages, name, 'index.mjs')))).toEqual([
      'third',
      'fourth',
    ])
    expect(existsSync(join(packages, 'young'))).toBe(false)
  })

  it('are found in a subfolder too, and installed there where its lock file differs', async () => {
    write('bench/package.json', '{}')
    write('bench/package-lock.json', '1')
    commit()
    write('bench/node_modules/third/index.mjs', 'third')
    checkout = await otherVersion()
    expect(read(join(checkout.root, 'bench/node_modules/third/index.mjs'))).toBe('third')
    checkout.remove()

    write('bench/package-lock.json', '2')
    const install = 'mkdir -p node_modules/third && echo installed > node_modules/third/index.mjs'
    checkout = await otherVersion({ install })
    expect(read(join(checkout.root, 'bench/node_modules/third/index.mjs'))).toBe('installed\n')
    expect(read(join(top, 'bench/node_modules/third/index.mjs'))).toBe('third')
  })
})

describe('a workload that a build makes', () => {
  const build = 'mkdir -p built && cp bench/w.mjs built/w.mjs'

  it('need not be there before', async () => {
    commit()
    checkout = await otherVersion({ build }, 'built/w.mjs')
    expect(existsSync(join(top, 'built/w.mjs'))).toBe(true)
    expect(existsSync(String(await checkout.workloadOf(join(top, 'built/w.mjs'))))).toBe(true)
  })

  it('must be there after', async () => {
    commit()
    await expect(otherVersion({ build: 'true' }, 'built/w.mjs')).rejects.toThrow(
      'the working copy has no built/w.mjs',
    )
    await expect(otherVersion({ build }, 'built/w.mjs', false)).rejects.toThrow('--no-build')
  })
})

describe('git', () => {
  it('means the repository of the workload, also within a hook of another', async () => {
    commit()
    vi.stubEnv('GIT_DIR', '.git')
    vi.stubEnv('GIT_INDEX_FILE', '.git/index')
    vi.stubEnv('GIT_WORK_TREE', '/')
    try {
      checkout = await otherVersion()
      checkout.remove()
    } finally {
      vi.unstubAllEnvs()
    }
    expect(existsSync(checkout.root)).toBe(false)
  })

  it('forgets the work tree of a gate that was killed, and no other', async () => {
    commit()
    const [lost, away] = [join(top, 'stint-1-1-x-1-abc/tree'), join(top, 'drive/tree')]
    for (const tree of [lost, away]) {
      git('worktree', 'add', '-q', '--detach', tree)
      rmSync(dirname(tree), { recursive: true })
    }
    checkout = await otherVersion()
    expect(git('worktree', 'list')).not.toContain(lost)
    checkout.remove()
    expect(git('worktree', 'list')).toContain(away)
    git('worktree', 'prune')
  })

  it('may talk on stderr', async () => {
    commit()
    process.env['GIT_TRACE'] = '1'
    try {
      checkout = await otherVersion()
    } finally {
      delete process.env['GIT_TRACE']
    }
    expect(checkout.name).toMatch(/^HEAD \([0-9a-f]{7}\)$/)
  })

  it('says itself why it finds no repository', async () => {
    commit()
    rmSync(join(top, '.git/HEAD'))
    await expect(otherVersion()).rejects.toThrow('not a git repository')
    git('init', '-q', '-b', 'main')
  })
})

describe('submodules', () => {
  const local = ['-c', 'protocol.file.allow=always']

  it("are the commit's own, out of the working copy's and without a change to them", async () => {
    const library = realpathSync(mkdtempSync(join(tmpdir(), 'checkout-library-')))
    const inLibrary = (...words: string[]) => git('-C', library, ...words).trim()
    git('init', '-q', '-b', 'main', library)
    writeFileSync(join(library, 'index.mjs'), 'before')
    inLibrary('add', '-A')
    inLibrary('commit', '-q', '-m', 'one')
    git(...local, 'submodule', '--quiet', 'add', library, 'library')
    commit()
    writeFileSync(join(library, 'index.mjs'), 'after')
    inLibrary('commit', '-q', '-a', '-m', 'two')
    git('-C', join(top, 'library'), 'pull', '-q')
    // Nobody can ask it any more.
    rmSync(library, { recursive: true })
    const build = 'git submodule --quiet update --init && cat library/index.mjs > ran'
    checkout = await otherVersion({ build })
    expect(read(join(checkout.root, 'library/index.mjs'))).toBe('before')
    expect(read(join(top, 'library/index.mjs'))).toBe('after')
    expect(read(join(checkout.root, 'ran'))).toBe('before')
    expect(existsSync(join(top, 'ran'))).toBe(false)
  })
})

describe('a clone without the commit', () => {
  it.each([
    ['shallow', ['--depth=1']],
    ['of one branch', ['--single-branch']],
  ])('%s: what the hint says to type brings it', async (_, options) => {
    commit()
    git('checkout', '-q', '-b', 'work')
    write('bench/w.mjs', 'export default 2\n')
    commit()
    const clone = `${top}-clone`
    try {
      git('clone', '-q', ...options, '--branch', 'work', `file://${top}`, clone)
      const other = () =>
        checkOut({
          ref: 'main',
          sweep: join(clone, 'sweep.yaml'),
          workload: join(clone, 'bench/w.mjs'),
          settings: gateSettings({} as SweepInput),
          buildCandidate: true,
          limit: new TimeLimit(60_000),
          signal: new AbortController().signal,
          onStep: () => {},
        })
      const said = await other().then(
        () => '',
        (error: Error) => error.message,
      )
      const command = /git -C .*$/.exec(said)?.[0] ?? 'false'
      expect(spawnSync('sh', ['-c', command], { encoding: 'utf8' })).toMatchObject({ status: 0 })
      const found = await other()
      expect(read(join(found.root, 'bench/w.mjs'))).toBe('export default 1\n')
      found.remove()
    } finally {
      rmSync(clone, { recursive: true, force: true })
    }
  })
})
