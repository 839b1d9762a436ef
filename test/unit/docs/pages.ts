/** The Markdown pages of this repository, for the tests that hold them to what they say. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Paths below the repository, sorted; what is built, installed or measured is left out. */
export function pages(): string[] {
  const below = (folder: string) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path))
  const all = [...readdirSync(root), ...below('docs'), ...below('examples'), join('results', 'README.md')]
  return all.filter((path) => path.endsWith('.md')).sort()
}

export interface Block {
  /** `README.md:12`, the line of the opening fence. */
  place: string
  page: string
  /** First word after the fence, `''` where there is none. */
  language: string
  /** What follows that word. */
  info: string
  text: string
}

/** The fenced code blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  let open: { line: number; words: string; lines: string[] } | null = null
  for (const [index, line] of readFileSync(join(root, page), 'utf8').split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === null) open = { line: index + 1, words: fence[1]!.trim(), lines: [] }
    else {
      const [language = '', ...info] = open.words.split(' ')
      const text = `${open.lines.join('\n')}\n`
      blocks.push({ place: `${page}:${open.line}`, page, language, info: info.join(' '), text })
      open = null
    }
  }
  if (open !== null) throw new Error(`${page}:${open.line}: this code block never ends`)
  return blocks
}

/** The page without its code, blocks and spans alike: line breaks stay where they are. */
export function proseOf(page: string): string {
  const text = readFileSync(join(root, page), 'utf8')
  const blank = (code: string) => code.replace(/[^\n]/g, '')
  return text
    .replace(/^\s*```[\s\S]*?^\s*```/gm, blank)
    .replace(/`[^`\n]+`/g, (code) => code.replace(/[[\]()]/g, ''))
}

/** Anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>()
  const headings = [...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, text = '']) => text)
  return new Set(
    headings.map((heading) => {
      const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      const slug = text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .trim()
        .replaceAll(' ', '-')
      const times = seen.get(slug) ?? 0
      seen.set(slug, times + 1)
      return times === 0 ? slug : `${slug}-${times}`
    }),
  )
}
