// Compiles harness/ and workers/ into dist/. Starts from an empty dist/ so that a deleted source leaves nothing behind.
// Every trial starts a process and a thread of its own, and Node's loader takes about half a millisecond a module: what
// these and the command load is then put together into few files, each entry file under the name that it has.
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const require = createRequire(import.meta.url)
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')

/** By folder of dist/: entry files, and what stays apart of all that they load. */
const BUNDLES = {
  workers: {
    entries: ['host', 'cell', 'duet', 'prepare', 'governor', 'probe', 'pipeline/workload'],
    apart: /^[^./]/,
  },
  // These packages start or read files that lie beside their own; of the others the command draws hundreds of modules.
  'harness/cli': { entries: ['main'], apart: /^(?:@napi-rs|@expo-google-fonts|canvas|tinypool|yargs)\b/ },
}

rmSync(dist, { recursive: true, force: true })
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)

const packages = new Set()
for (const [folder, { entries, apart }] of Object.entries(BUNDLES)) {
  const dir = join(dist, folder)
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [entry, join(dir, `${entry}.js`)])),
    external: apart,
    platform: 'node',
  })
  // Beside the entry files, since what they hold names files by where it lies itself.
  const names = { entryFileNames: '[name].js', chunkFileNames: 'shared-[name].js' }
  const { output } = await bundle.write({ dir, ...names, sourcemap: true })
  await bundle.close()
  for (const id of output.flatMap(({ moduleIds }) => moduleIds ?? [])) {
    const found = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)
    if (found !== null) packages.add(found[0])
  }
}
writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), [...packages].sort().map(licence).join('\n'))
chmodSync(join(dist, 'harness', 'cli', 'main.js'), 0o755)

/** @param folder of a package whose code lies in dist/, which owes its licence */
function licence(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()
  return `${name} ${version} (${license})\n\n${text}\n\n${'-'.repeat(80)}\n`
}
