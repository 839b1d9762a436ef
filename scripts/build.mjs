// Compiles harness/ and workers/ into build/, a module each, which tests and benches may load; then puts them together
// into dist/, which is what runs and what the package holds. Both start empty, so that a deleted source leaves nothing.
// Every trial starts a process and a thread of its own, and Node's loader takes about half a millisecond a module: so
// dist/ has few files, each entry file under the name that it has among the sources. Where both are of the sources as they
// stand nothing is done, unless --force is given.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deflateSync, gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { minifySync } from 'rolldown/utils'
import { isBuilt, markBuilt, sourcesOf } from './build-stamp.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const build = join(root, 'build')
const dist = join(root, 'dist')
const require = createRequire(import.meta.url)

/** What users import, whose types are part of the package: all that package.json exports. */
const PUBLIC = Object.values(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
  .filter(({ types }) => types !== undefined)
  .map(({ types }) => /^\.\/dist\/(.+)\.d\.ts$/.exec(types)[1])
/** Entry files, under the same names in build/ and dist/. */
const ENTRIES = [
  ...[
    'trial-process',
    'worker',
    'duet-process',
    'prepare',
    'prepare-worker',
    'supervisor',
    'probe',
    'publisher',
    'pipeline/workload',
  ].map((entry) => `workers/${entry}`),
  'harness/cli/main',
  ...PUBLIC,
]
/**
 * Packages that stay in node_modules: those that hold binaries or start processes and threads of their own, what they
 * share with a trial, and the clients of brokers, which only those load who name one. Of the others the command would
 * load hundreds of modules.
 */
const APART = /^(?:@napi-rs|@nats-io|canvas|csv-parse|mqtt|piscina|tinypool)\b/
/** Files of packages that are read, not loaded; packed, to a third of their size. */
const ASSETS = ['vega/build/vega.min.js']
/** Files that start a worker, and how they get its pool: from one file instead of the package. */
const POOLED = ['trial-process', 'duet-process', 'prepare'].map((entry) => `workers/${entry}.js`)
const POOL_IMPORT = 'import { Piscina } from "piscina";'
const POOL_FILE_IMPORT = 'import piscina from "../packages/piscina/index.js";\nconst { Piscina } = piscina;'
/** Fonts, which are packed: half as large in the package and in every page. */
const FONTS = ['400Regular/Inter_400Regular.ttf', '600SemiBold/Inter_600SemiBold.ttf'].map(
  (font) => `@expo-google-fonts/inter/${font}`,
)
/** What draws the pages of reports, and what it shares with what writes them. */
const CLIENT = 'harness/report/client'
const SHARED_WITH_CLIENT = [
  'harness/format.ts',
  'harness/report/words.ts',
  'harness/report/bundle.ts',
  'harness/analyse/comparison.ts',
  'harness/own.ts',
  'workers/data/csv-text.ts',
  'workers/data/plain-text.ts',
]
/** Packages that get a file of their own, so that what is loaded when can be seen. */
const OWN_FILE = ['arquero', 'd3-array', 'jstat', 'vega', 'yaml', 'yargs', 'zod']

const sources = sourcesOf(root)
// As every `npm test` finds it that follows another: the build takes ten seconds.
if (!process.argv.includes('--force') && isBuilt(root, sources)) process.exit(0)

for (const folder of [build, dist]) rmSync(folder, { recursive: true, force: true })
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
const compiled = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' })
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

const kernels = join(build, 'workers', 'kernels.wasm')
compileKernels(kernels)
const page = await bundleClient()

/**
 * yargs measures lines of help with Intl.Segmenter, which takes half as long to make as Node takes to start. Help has
 * no wide characters.
 */
const plainWidth = {
  name: 'plain-width',
  resolveId: (id, importer) =>
    id === 'string-width' && /\/node_modules\/(?:yargs|cliui|wrap-ansi)\//.test(importer)
      ? '\0string-width'
      : null,
  load: (id) => (id === '\0string-width' ? 'export default (text) => text.length' : null),
}

/** Where it may, Node would `require` a module of ES and warn of it, and where it may not, read it in vain. */
const importingPool = {
  name: 'importing-pool',
  transform: (code, id) =>
    /[\\/]piscina[\\/]dist[\\/]worker\.js$/.test(id)
      ? replaced(code, '__importStar(require(s))', 'import(s)')
      : null,
}

const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(build, `${entry}.js`)])),
  external: APART,
  platform: 'node',
  plugins: [plainWidth],
})
const { output } = await bundle.write({
  dir: dist,
  entryFileNames: '[name].js',
  chunkFileNames,
  codeSplitting: {
    groups: [
      ...OWN_FILE.map((name) => ({ name, test: new RegExp(`/node_modules/${name}\\b`) })),
      // What every command loads first: the tables that the library hands out as they are, numbers as text, and errors.
      { name: 'tables', test: /\/build\/harness\/(?:metrics|report\/plots\/names|format|user-error)\.js$/ },
      // A file costs the loader a good millisecond of every process: what all of them share is one, what only threads
      // load that step a workload another.
      { name: 'protocol', test: /\/build\/workers\/protocol\//, priority: 1 },
      {
        name: 'process',
        test: /\/build\/workers\/(?:caps\/memory|kernels|permit|telemetry\/(?:clock|process-files)|untrusted)\.js$/,
        priority: 1,
      },
      {
        name: 'measured-run',
        test: /\/build\/workers\/(?:data\/presets\/random|drive\/(?:arrivals|closed|interleaved)|load-workload|measured-run|telemetry\/[a-z-]+)\.js$/,
        minShareCount: 2,
      },
      { name: 'plain-text', test: /\/build\/workers\/data\/(?:plain-text|csv-text)\.js$/, priority: 1 },
    ],
  },
})
await bundle.close()

// Every trial loads Piscina: its 14 files as one, and one for its thread, which it looks for beside that.
mkdirSync(join(dist, 'packages', 'piscina'), { recursive: true })
const pool = await Promise.all(['index', 'worker'].map(bundlePool))

const seen = new Set()
for (const id of output.flatMap(({ moduleIds }) => moduleIds ?? [])) {
  if (seen.has(id)) throw new Error(`${relative(root, id)} is in two files of dist/`)
  seen.add(id)
}

// Packages are read by nobody here; the project's own code keeps its lines and names, for stacks, and not its comments.
const KEPT = { compress: false, mangle: false, codegen: { removeWhitespace: false, legalComments: 'none' } }
for (const { fileName } of output) {
  if (!fileName.endsWith('.js')) continue
  const file = join(dist, fileName)
  const written = readFileSync(file, 'utf8')
  const linked = POOLED.includes(fileName) ? replaced(written, POOL_IMPORT, POOL_FILE_IMPORT) : written
  const options = fileName.startsWith('packages/') ? {} : KEPT
  const { code, errors } = minifySync(fileName, linked, { module: true, ...options })
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`)
  writeFileSync(file, code)
}

/** Folders of the packages whose code or files lie in dist/. */
const packages = new Set()
for (const id of [...output.flatMap(({ moduleIds }) => moduleIds ?? []), ...page.moduleIds, ...pool.flat()])
  if (id.includes('/node_modules/')) packages.add(packageFolder(id))

copyFileSync(kernels, join(dist, 'workers', 'kernels.wasm'))
mkdirSync(join(dist, 'assets'))
for (const asset of ASSETS) {
  const file = join(root, 'node_modules', asset)
  const packed = gzipSync(readFileSync(file), { level: 9 })
  writeFileSync(join(dist, 'assets', `${basename(file)}.gz`), packed)
  packages.add(packageFolder(file))
}
for (const font of FONTS) {
  const file = join(root, 'node_modules', font)
  writeFileSync(join(dist, 'assets', basename(file, '.ttf').concat('.woff')), woff(readFileSync(file)))
  packages.add(packageFolder(file))
}
writeFileSync(join(dist, 'assets', 'page.js'), page.code)
copyFileSync(join(root, CLIENT, 'page.css'), join(dist, 'assets', 'page.css'))
for (const file of typesFrom(PUBLIC.map((entry) => join(build, `${entry}.d.ts`)))) {
  const target = join(dist, relative(build, file))
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(file, target)
}
writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), licences([...packages].sort()))
chmodSync(join(dist, 'harness', 'cli', 'main.js'), 0o755)
markBuilt(root, sources)

/** @returns the tables of a TrueType font, each deflated, as WOFF 1.0 (W3C 2012) */
function woff(font) {
  const tables = Array.from({ length: font.readUInt16BE(4) }, (_, i) => {
    const entry = font.subarray(12 + 16 * i, 28 + 16 * i)
    const data = font.subarray(entry.readUInt32BE(8), entry.readUInt32BE(8) + entry.readUInt32BE(12))
    const packed = deflateSync(data, { level: 9 })
    return { entry, data, packed: packed.length < data.length ? packed : data }
  })
  const aligned = (length) => (length + 3) & ~3
  const heads = Buffer.alloc(44 + 20 * tables.length)
  let offset = heads.length
  for (const [i, { entry, data, packed }] of tables.entries()) {
    const head = heads.subarray(44 + 20 * i)
    entry.copy(head, 0, 0, 4)
    head.writeUInt32BE(offset, 4)
    head.writeUInt32BE(packed.length, 8)
    head.writeUInt32BE(data.length, 12)
    entry.copy(head, 16, 4, 8)
    offset += aligned(packed.length)
  }
  heads.write('wOFF', 0, 'latin1')
  font.copy(heads, 4, 0, 4)
  heads.writeUInt32BE(offset, 8)
  heads.writeUInt16BE(tables.length, 12)
  const whole = tables.reduce((sum, { data }) => sum + aligned(data.length), 12 + 16 * tables.length)
  heads.writeUInt32BE(whole, 16)
  heads.writeUInt16BE(1, 20)
  const padded = tables.flatMap(({ packed }) => [
    packed,
    Buffer.alloc(aligned(packed.length) - packed.length),
  ])
  return Buffer.concat([heads, ...padded])
}

function replaced(code, part, by) {
  const parts = code.split(part)
  if (parts.length !== 2) throw new Error(`${part} is there ${parts.length - 1} times`)
  return parts.join(by)
}

/** What runs in the pages of reports, as one script. It draws what stands there: of the harness it may hold only words. */
async function bundleClient() {
  const bundle = await rolldown({
    input: join(root, CLIENT, 'main.tsx'),
    platform: 'browser',
    tsconfig: join(root, CLIENT, 'tsconfig.json'),
  })
  const { output } = await bundle.generate({ format: 'es', minify: true })
  await bundle.close()
  const [chunk] = output
  const strange = chunk.moduleIds
    .filter((id) => id.startsWith(root) && !id.includes('/node_modules/'))
    .map((id) => relative(root, id))
    .filter((id) => !id.startsWith(`${CLIENT}/`) && !SHARED_WITH_CLIENT.includes(id))
  if (output.length > 1 || strange.length > 0)
    throw new Error(`the page's client has more than it may: ${strange.join(', ') || 'several files'}`)
  return chunk
}

/** @returns the files of Piscina that are in it */
async function bundlePool(name) {
  const bundle = await rolldown({
    input: join(dirname(require.resolve('piscina')), `${name}.js`),
    external: /^@napi-rs/,
    platform: 'node',
    plugins: [importingPool],
  })
  const { output } = await bundle.generate({ format: 'es', minify: true })
  await bundle.close()
  const [{ code, moduleIds }] = output
  const folder =
    'import { fileURLToPath } from "node:url";\nconst __dirname = fileURLToPath(new URL(".", import.meta.url));\n'
  const head = code.includes('__dirname') ? folder : ''
  writeFileSync(join(dist, 'packages', 'piscina', `${name}.js`), head + code)
  return moduleIds
}

/** Compiles the pipeline's hot path. Its memory is made by JavaScript, so that arrays made there stay valid as it grows. */
function compileKernels(file) {
  const options = [
    ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'threads'],
    ...['--importMemory', '--sharedMemory', '--maximumMemory', '65536', '--noExportMemory'],
  ]
  const asc = join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js')
  if (!existsSync(asc)) {
    console.error('assemblyscript is not installed: run npm ci')
    process.exit(1)
  }
  // Relative: names in the file must not hang on where the checkout lies.
  const source = join('workers', 'kernels', 'index.ts')
  const run = spawnSync(process.execPath, [asc, source, ...options, '--outFile', file], {
    cwd: root,
    stdio: 'inherit',
  })
  if (run.status !== 0) process.exit(run.status ?? 1)
}

/** What a worker's entry files share lies beside them, since they name each other by where they lie. */
function chunkFileNames({ name, moduleIds, facadeModuleId }) {
  if (OWN_FILE.includes(name)) return `packages/${name}.js`
  const folder = [...moduleIds, facadeModuleId].some((id) => id?.startsWith(join(build, 'workers/')))
    ? 'workers'
    : 'harness'
  return `${folder}/shared-${name}.js`
}

/** @returns these declaration files and all that they import */
function typesFrom(entries) {
  const found = new Set(entries)
  for (const file of found)
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.ts['"]/g))
      found.add(join(dirname(file), `${name}.d.ts`))
  return found
}

function packageFolder(file) {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(file)[0]
}

/**
 * The licences of packages whose code lies in dist/, which owes them: a text that several packages share stands once, below
 * the names and copyright notices of all of them.
 */
function licences(folders) {
  const byWords = new Map()
  for (const folder of folders) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const files = readdirSync(folder).filter((entry) => /^licen[cs]e/i.test(entry))
    const whole = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n')
    const paragraphs = whole.split(/\n\s*\n/)
    const isNotice = (text) => /^\W*copyright\b/i.test(text) && text.split('\n').length <= 5
    const text = paragraphs.filter((one) => !isNotice(one)).join('\n\n')
    const words = text.split(/\s+/).join(' ')
    const shared = byWords.get(words) ?? { text, owners: [] }
    shared.owners.push([`${name} ${version} (${license})`, ...paragraphs.filter(isNotice)].join('\n'))
    byWords.set(words, shared)
  }
  const parts = [...byWords.values()].map(({ owners, text }) => [...owners, text].join('\n\n'))
  return `${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
