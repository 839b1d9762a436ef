// Holds the sources to the import rules of .dependency-cruiser.cjs, and text out of the keys of plain objects:
// node scripts/check-rules.mjs [FOLDER]
// Fails on a violation, and where too little was looked at to say that there is none.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'

const SOURCES = ['harness', 'workers']
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = resolve(process.argv[2] ?? root)
const { forbidden, options } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs'))

function fail(message) {
  console.error(message)
  process.exit(1)
}

const sourceFiles = SOURCES.filter((name) => existsSync(join(folder, name))).flatMap((name) =>
  readdirSync(join(folder, name), { recursive: true })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(name, file)),
)
if (sourceFiles.length === 0) fail(`0 modules looked at: no sources in ${folder}`)

const { output } = await cruise(SOURCES, {
  ...options,
  baseDir: folder,
  validate: true,
  ruleSet: { forbidden },
  outputType: 'json',
})
const { modules, summary } = JSON.parse(output)

// dependency-cruiser finds nothing, and no fault, where it lacks a parser for a file's language.
const seen = new Set(modules.map((module) => module.source))
const unseen = sourceFiles.filter((file) => file.endsWith('.ts') && !seen.has(file))
if (unseen.length > 0) {
  const some = unseen.slice(0, 3).join(', ')
  fail(
    `${unseen.length} of ${sourceFiles.length} modules not looked at (${some}): run npm ci, which installs @swc/core`,
  )
}
const imports = modules.reduce((count, module) => count + module.dependencies.length, 0)
if (sourceFiles.length > 1 && imports === 0)
  fail(`0 imports seen in ${sourceFiles.length} modules: no parser reads them`)

for (const { rule, from, to } of summary.violations) {
  const { comment } = forbidden.find(({ name }) => name === rule.name)
  console.error(`${from} -> ${to}: ${rule.name}. ${comment}`)
}
// Columns, labels and parameters may be called `constructor` or `__proto__`, which a plain object has or takes otherwise.
const KEYED_BY_TEXT = [
  {
    found:
      /\b(?:const|let)\s+\w+\s*:\s*(?:Readonly<|Partial<)*(?:Record<string\b|\{\s*\[\w+: string\])[^=;]*=\s*\{\s*\}|\{\s*\}\s+as\s+(?:Readonly<|Partial<)*Record<string\b/,
    instead:
      'keep what any text names in a Map, or in an object of Object.fromEntries or Object.create(null)',
  },
  {
    found: /[(!&|?]\s*\(?[\w.]+\s+in\s+[\w.]+\s*[)?&|]|=>\s*!?\(?[\w.]+\s+in\s+[\w.]+/,
    instead: 'ask by Object.hasOwn, which leaves out what every object inherits',
  },
]
const isComment = (line) => /^\s*(?:\*|\/\/|\/\*)/.test(line)
let keyed = 0
for (const file of sourceFiles) {
  for (const [i, line] of readFileSync(join(folder, file), 'utf8').split('\n').entries()) {
    if (isComment(line)) continue
    const code = line.replace(/'(?:[^'\\]|\\.)*'|`[^`]*`/g, "''")
    for (const { found, instead } of KEYED_BY_TEXT) {
      if (!found.test(code)) continue
      keyed += 1
      console.error(`${file}:${i + 1}: text-is-no-key. ${instead}`)
    }
  }
}

const counts = `${sourceFiles.length} modules and ${imports} imports looked at`
if (keyed > 0) fail(`${keyed} plain objects keyed by text; ${counts}`)
if (summary.violations.length > 0) fail(`${summary.violations.length} import rules broken; ${counts}`)
console.log(`import rules hold; ${counts}`)
