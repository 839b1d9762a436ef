// Writes what the reference pages take from the code: `node scripts/docs.mjs`, or with --check fails where a page
// is stale. Needs a build.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { withBlock } from '../test/bench/markers.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const built = (path) => import(new URL(`../build/${path}.js`, import.meta.url).href)

const [
  { BLOCKS: blocks, sweepJsonSchema },
  { HARNESS_METRICS },
  { infoFor, targetWords },
  { LEARNERS },
  { ENVIRONMENT },
] = await Promise.all([
  built('harness/sweep/schema'),
  built('harness/metrics'),
  built('workers/pipeline/describe'),
  built('workers/pipeline/learn/registry'),
  built('harness/environment'),
])
const { COMMANDS } = await built('harness/cli/command-line')
const { MISSING } = await built('workers/data/column-spec')
const { allowedWords } = await built('harness/report/sections/params')

const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
const table = (heads, rows) =>
  [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')

const figure = (value) => value.toLocaleString('en-US', { maximumFractionDigits: 20 })

/** A JSON Schema's type in words. */
function kindOf(schema) {
  if (schema.enum) return schema.enum.map(code).join(', ')
  if (schema.const !== undefined) return code(schema.const)
  if (schema.anyOf) return [...new Set(schema.anyOf.map(kindOf))].join(' or ')
  switch (schema.type) {
    case 'integer':
    case 'number': {
      const what = schema.type === 'integer' ? 'whole number' : 'number'
      const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
      const isOpen = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
      if (exclusiveMinimum !== undefined && exclusiveMaximum !== undefined)
        return `${what} between ${figure(exclusiveMinimum)} and ${figure(exclusiveMaximum)}`
      if (exclusiveMinimum !== undefined && isOpen) return `${what} above ${figure(exclusiveMinimum)}`
      if (exclusiveMinimum !== undefined)
        return `${what} above ${figure(exclusiveMinimum)}, up to ${figure(maximum)}`
      if (minimum === undefined) return what
      return isOpen
        ? `${what} from ${figure(minimum)}`
        : `${what} from ${figure(minimum)} to ${figure(maximum)}`
    }
    case 'string':
      return 'text'
    case 'boolean':
      return '`true`, `false`'
    case 'null':
      return '`null`'
    case 'array':
      return `list of: ${schema.items ? kindOf(schema.items) : 'values'}`
    case 'object':
      return 'mapping'
    default:
      return 'value'
  }
}

const sweep = sweepJsonSchema(infoFor([]).params)
/** The mapping that a key of the sweep holds. */
const mapping = (schema) => schema.properties ?? schema.anyOf?.map(mapping).find(Boolean)

function keysTable(properties, { axes = null } = {}) {
  const heads = ['key', 'value', 'default', ...(axes ? ['axis'] : []), 'meaning']
  const rows = Object.entries(properties).map(([name, schema]) => [
    code(name),
    kindOf(schema),
    schema.default === undefined ? '' : code(schema.default),
    ...(axes ? [axes.has(name) ? 'yes' : ''] : []),
    schema.description ?? '',
  ])
  return table(heads, rows)
}

const only = (properties, names) => Object.fromEntries(names.map((name) => [name, properties[name]]))
const top = sweep.properties
const pipelineKeys = Object.keys(top).filter(
  (name) => top[name].description === 'a parameter of the built-in pipeline',
)
const settings = Object.keys(top).filter((name) => !blocks.includes(name) && !pipelineKeys.includes(name))
/** Settings in mappings of their own, by the names that they have as an axis. */
const flat = Object.fromEntries(
  settings.flatMap((name) =>
    ['arrival', 'queue'].includes(name)
      ? Object.entries(mapping(top[name])).map(([key, schema]) => [`${name}.${key}`, schema])
      : [[name, top[name]]],
  ),
)
const gridKeys = new Set(Object.keys(top.grid.properties))
const dataset = mapping(top.dataset)

const { params, metrics } = infoFor([])

const paramsTable = (entries) =>
  table(
    ['param', 'value', 'default', 'meaning'],
    entries.map(([name, info]) => [
      code(name),
      allowedWords(info, code),
      code(info.default),
      info.description,
    ]),
  )
const learners = Object.entries(LEARNERS)
const chosen = learners.filter(([, { baseline }]) => !baseline)
const options = new Set(chosen.flatMap(([, learner]) => Object.keys(learner.options)))
const BETTER = { lower_is_better: 'lower', higher_is_better: 'higher', neutral: '' }

/** @returns what each of these commands answers with `--help`, by its name; `''` is `stint` itself */
async function helpOf(names) {
  const stdio = ['ignore', 'pipe', 'pipe', 'ipc']
  const server = fork(join(root, 'test/fixtures/command-server.mjs'), { stdio })
  const main = pathToFileURL(join(root, 'dist/harness/cli/main.js')).href
  const env = { ...process.env, NO_COLOR: '1' }
  const helps = new Map()
  for (const name of names) {
    server.send({ main, words: [...(name === '' ? [] : [name]), '--help'], cwd: root, env })
    const [{ code, stdout, stderr }] = await once(server, 'message')
    if (code !== 0) throw new Error(`stint ${name} --help: ${stderr}`)
    helps.set(name, stdout.trim())
  }
  server.disconnect()
  return helps
}
const helps = await helpOf(['', ...COMMANDS.map(({ command }) => command.split(' ')[0])])

/** What every command has, and is said once. */
const COMMON = /^ +--(?:help|version|color) .*\n?/gm

function commandLine() {
  const parts = COMMANDS.map(({ command }) => {
    const [name] = command.split(' ')
    return `### ${name}\n\n\`\`\`text\n${helps.get(name).replace(COMMON, '').trim()}\n\`\`\``
  })
  return [`\`\`\`text\n${helps.get('')}\n\`\`\``, ...parts].join('\n\n')
}

/** What `stint` exports of the files below harness/api/: their declarations, and the names of those that are exported. */
function api() {
  const index = readFileSync(join(root, 'build/harness/index.d.ts'), 'utf8')
  const lists = [...index.matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/(api\/\w+)\.ts'/gm)]
  const names = lists.flatMap(([, list]) => list.split(',').map((name) => name.replace('type ', '').trim()))
  const files = [...new Set(lists.map(([, , file]) => file))]
  const declared = files.map((file) => readFileSync(join(root, `build/harness/${file}.d.ts`), 'utf8'))
  return { declared: declared.join('\n'), exported: new Set(names) }
}

/** Every function that `stint` exports, as its declarations say it. */
function functions() {
  const { declared, exported } = api()
  const found = [
    ...declared.matchAll(
      /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport declare (function (\w+)[\s\S]*?;)\n(?=\S|$)/g,
    ),
  ].filter(([, , , name]) => exported.has(name))
  const names = [...declared.matchAll(/^export declare function (\w+)/gm)]
    .map(([, name]) => name)
    .filter((name) => exported.has(name))
  if (names.length === 0 || names.length !== found.length)
    throw new Error(`harness/api: a function has no description: ${names.length} and ${found.length}`)
  return found
    .map(([, comment, signature, name]) => {
      const text = comment.replace(/^[ \t]*\*? ?/gm, '').trim()
      const [what, ...tags] = text.split(/\n(?=@)/)
      const list = tags.map((tag) => {
        const [, kind, words] = /^@(\w+) ([\s\S]*)$/.exec(tag)
        const [, subject = '', rest] = kind === 'param' ? /^(\w+) ([\s\S]*)$/.exec(words) : [null, '', words]
        const label = {
          param: `\`${subject}\`:`,
          returns: 'Resolves with',
          throws: /^as /.test(words) ? 'Rejects' : 'Rejects with',
        }[kind]
        return `- ${label} ${rest.replaceAll('\n', ' ').replace(/^\{(\w+)\}/, '`$1`')}`
      })
      const parts = [
        `### ${name}`,
        what.replaceAll('\n', ' '),
        `\`\`\`ts\n${signature}\n\`\`\``,
        list.join('\n'),
      ]
      return parts.filter((part) => part !== '').join('\n\n')
    })
    .join('\n\n')
}

/** The types that they declare. */
function types() {
  const { declared, exported } = api()
  const comment = String.raw`(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?`
  const one = new RegExp(
    `${comment}^export (?:interface \\w+[^{]*\\{[\\s\\S]*?^\\}|type \\w+ = [\\s\\S]*?;$(?!\\n ))`,
    'gm',
  )
  const nameOf = (type) => /^export (?:interface|type) (\w+)/m.exec(type)[1]
  const found = declared.match(one).filter((type) => exported.has(nameOf(type)))
  return `\`\`\`ts\n${found.join('\n\n')}\n\`\`\``
}

/** Page, name of the block, its text. */
const BLOCKS = [
  ['reference/sweep.md', 'sweep-keys', () => keysTable(only(top, blocks))],
  ['reference/sweep.md', 'settings', () => keysTable(flat, { axes: gridKeys })],
  ['reference/sweep.md', 'compare-keys', () => keysTable(mapping(top.compare))],
  ['reference/sweep.md', 'gate-keys', () => keysTable(mapping(top.gate))],
  ['reference/sweep.md', 'goal-keys', () => keysTable(mapping(top.goal))],
  [
    'reference/data.md',
    'dataset-keys',
    () =>
      keysTable(dataset, {
        axes: new Set([...gridKeys].map((key) => key.replace(/^dataset\./, ''))),
      }),
  ],
  ['reference/data.md', 'missing-spellings', () => MISSING.map((text) => `\`${text}\``).join(' ')],
  ['reference/data.md', 'column-keys', () => keysTable(mapping(dataset.columns.additionalProperties))],
  ['reference/data.md', 'feature-keys', () => keysTable(mapping(dataset.features.items))],
  [
    'reference/metrics.md',
    'metrics',
    () =>
      table(
        ['metric', 'unit', 'better', 'compared as', 'meaning'],
        HARNESS_METRICS.map(({ name, unit, direction, scale, description }) => [
          code(name),
          unit,
          BETTER[direction],
          scale === 'log' ? 'ratio' : 'difference',
          description,
        ]),
      ),
  ],
  [
    'reference/pipeline.md',
    'learners',
    () =>
      table(
        ['`params.learner`', 'target', 'what it is'],
        learners.map(([name, { description }]) => [code(name), targetWords(name), description]),
      ),
  ],
  [
    'reference/pipeline.md',
    'learner-options',
    () =>
      chosen
        .filter(([, learner]) => Object.keys(learner.options).length > 0)
        .map(([name, learner]) => `**\`${name}\`**\n\n${paramsTable(Object.entries(learner.options))}`)
        .join('\n\n'),
  ],
  [
    'reference/pipeline.md',
    'params',
    () => paramsTable(Object.entries(params).filter(([name]) => !options.has(name) && name !== 'learner')),
  ],
  [
    'reference/pipeline.md',
    'pipeline-metrics',
    () =>
      table(
        ['metric', 'unit', 'better', 'meaning'],
        Object.entries(metrics).map(([name, { unit, direction, description }]) => [
          code(name),
          unit,
          BETTER[direction],
          description,
        ]),
      ),
  ],
  [
    'reference/environment.md',
    'variables',
    () =>
      table(
        ['variable', 'set by', 'meaning'],
        ENVIRONMENT.map(({ name, from, meaning }) => [code(name), from, meaning]),
      ),
  ],
  ['reference/command-line.md', 'commands', commandLine],
  ['reference/api.md', 'functions', functions],
  ['reference/api.md', 'types', types],
]

const stale = []
for (const [page, name, text] of BLOCKS) {
  const path = join(root, 'docs', page)
  const document = readFileSync(path, 'utf8')
  const fresh = withBlock(document, name, text(), page)
  if (fresh === document) continue
  stale.push(`docs/${page}: ${name}`)
  if (!process.argv.includes('--check')) writeFileSync(path, fresh)
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`stale, "npm run docs" writes them again:\n${stale.join('\n')}`)
  process.exitCode = 1
} else for (const block of stale) console.log(`written: ${block}`)
