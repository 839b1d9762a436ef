// What CHANGELOG.md says of the version that a tag names: node scripts/release-notes.mjs TAG [FOLDER]
// Fails where the tag is not that of package.json, or the version has no dated section with something in it.
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const [tag = '', folder = dirname(dirname(fileURLToPath(import.meta.url)))] = process.argv.slice(2)
const read = (name) => readFileSync(join(resolve(folder), name), 'utf8')

function fail(message) {
  console.error(message)
  process.exit(1)
}

const { version } = JSON.parse(read('package.json'))
if (tag !== `v${version}`)
  fail(`the tag is "${tag}" and package.json has ${version}: expected the tag v${version}`)

const sections = read('CHANGELOG.md').split(/^## /m).slice(1)
const section = sections.find(
  (text) => text.startsWith(`${version} - `) || text.startsWith(`[${version}] - `),
)
if (section === undefined)
  fail(`CHANGELOG.md has no section "## ${version} - DATE": move what is under Unreleased to it`)
const [heading, ...lines] = section.split('\n')
if (!/ - \d{4}-\d{2}-\d{2}$/.test(heading))
  fail(`CHANGELOG.md: "## ${heading}" has no date, such as 2026-01-31`)
const notes = lines.join('\n').trim()
if (notes === '') fail(`CHANGELOG.md: "## ${heading}" says nothing`)
console.log(notes)
