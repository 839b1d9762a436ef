/** Every relative link of every page leads to a file, and to a heading where it names one. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchorsOf, pages, proseOf, root } from './pages.ts'

const isElsewhere = (link: string) => /^[a-z]+:/.test(link)

function faultOf(page: string, link: string): string | null {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : relative(root, join(root, dirname(page), path))
  if (!existsSync(join(root, target))) return `${page}: no file for ${link}`
  if (anchor === undefined) return null
  if (statSync(join(root, target)).isDirectory()) return `${page}: a folder has no headings: ${link}`
  return anchorsOf(target).has(anchor) ? null : `${page}: no heading for ${link}`
}

describe('a page', () => {
  it('links to what is there', () => {
    const links = pages().flatMap((page) =>
      [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !isElsewhere(link))
        .map((link) => ({ page, link })),
    )
    expect(links.length).toBeGreaterThan(30)
    expect(links.map(({ page, link }) => faultOf(page, link)).filter((fault) => fault !== null)).toEqual([])
  })

  it('below docs can be reached from the README by links', () => {
    const reached = new Set(['README.md'])
    for (const page of reached) {
      for (const [, link = ''] of proseOf(page).matchAll(/\]\(([^)\s#]+\.md)(?:#[^)\s]*)?\)/g))
        if (!isElsewhere(link)) reached.add(relative(root, join(root, dirname(page), link)))
    }
    expect(pages().filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([])
  })

  it('that the code names is there', () => {
    const sources = ['harness', 'workers', 'scripts', 'test/bench', 'examples', 'scenarios'].flatMap(
      (folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter((path) => /\.(ts|mjs|yaml)$/.test(path))
          .map((path) => join(folder, path)),
    )
    const named = sources.flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/\bdocs\/[\w/-]+\.(?:md|yml)/g)].map(([page]) => ({
        path,
        page,
      })),
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter(({ page }) => !existsSync(join(root, page)))).toEqual([])
  })

  it('on the architecture names every folder, and nothing that is not there', () => {
    const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
    const named = new Set(
      [...text.matchAll(/`((?:harness|workers|test|docs)\/[\w./-]+)`/g)].map(([, path]) => path!),
    )
    expect([...named].filter((path) => !existsSync(join(root, path)))).toEqual([])
    const folders = ['harness', 'workers'].flatMap((folder) =>
      readdirSync(join(root, folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => join(folder, name)),
    )
    expect(folders.filter((folder) => !named.has(folder))).toEqual([])
  })
})
