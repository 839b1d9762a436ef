/** What publishes the package: workflows that run nothing unpinned, and notes that belong to the version. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '../../..')
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const WORKFLOWS = ['.github/workflows', 'docs/guides/ci'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.startsWith('github-') || folder.startsWith('.github'))
    .map((name) => join(folder, name)),
)
const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')

describe('a workflow', () => {
  it.each(WORKFLOWS)('%s reads only, unless a job says more, and ends in time', (file) => {
    const { permissions, jobs } = parse(text(file))
    expect(permissions.contents).toBe('read')
    for (const job of Object.values<{ 'timeout-minutes'?: number }>(jobs))
      expect(job['timeout-minutes']).toBeGreaterThan(0)
  })

  it('runs each action at one commit, with its version beside it', () => {
    const used = WORKFLOWS.flatMap((file) =>
      [...text(file).matchAll(/uses: *(.*)/g)].map(([, line]) => line!),
    )
    expect(used.length).toBeGreaterThan(5)
    const pinned = used.map((line) => /^([\w./-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$/.exec(line)?.[1] ?? line)
    expect(pinned.filter((name) => name.includes('@'))).toEqual([])
    expect(new Set(used).size).toBe(new Set(pinned).size)
  })

  it('tests the oldest Node that package.json allows, and the newest', () => {
    const oldest = Number(/^>=(\d+)$/.exec(PACKAGE.engines.node)![1])
    const { node } = parse(text('.github/workflows/ci.yml')).jobs.linux.strategy.matrix
    expect([node[0], node.at(-1)]).toEqual([oldest, 'latest'])
    expect(text('scripts/test-full.mjs')).toContain(`['${node.join("', '")}']`)
  })
})

describe('release notes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'release-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function notes(tag: string, changelog: string) {
    writeFileSync(join(folder, 'package.json'), '{ "version": "1.2.0" }')
    writeFileSync(join(folder, 'CHANGELOG.md'), changelog)
    const script = join(ROOT, 'scripts/release-notes.mjs')
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, tag, folder], {
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }

  const log =
    '# Changelog\n\n## Unreleased\n\n- c\n\n## 1.2.0 - 2026-01-31\n\n- b\n\n## 1.1.0 - 2025-12-01\n\n- a\n'

  it('are the section of the version, and no other', () => {
    expect(notes('v1.2.0', log)).toEqual({ status: 0, stdout: '- b\n', stderr: '' })
  })

  it.each([
    ['another tag', 'v1.2.1', log, /^the tag is "v1\.2\.1" and package\.json has 1\.2\.0/],
    ['no tag', '', log, /expected the tag v1\.2\.0/],
    ['no section', 'v1.2.0', '## Unreleased\n\n- c\n', /has no section "## 1\.2\.0 - DATE"/],
    ['no date', 'v1.2.0', '## 1.2.0 - soon\n\n- b\n', /"## 1\.2\.0 - soon" has no date/],
    ['nothing said', 'v1.2.0', '## 1.2.0 - 2026-01-31\n\n## 1.1.0 - 2025-12-01\n\n- a\n', /says nothing/],
  ])('fail before anything is published: %s', (_, tag, changelog, message) => {
    const { status, stdout, stderr } = notes(tag, changelog)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(message)
  })

  it('are there for the version of package.json', () => {
    const script = join(ROOT, 'scripts/release-notes.mjs')
    const { status, stdout } = spawnSync(process.execPath, [script, `v${PACKAGE.version}`], {
      encoding: 'utf8',
    })
    expect([status, stdout.length > 100]).toEqual([0, true])
  })
})
