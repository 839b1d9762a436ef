// Compiles harness/ and workers/ into dist/. Starts from an empty dist/ so that a deleted source leaves nothing behind.
// Every trial starts a process and a thread of its own, which takes 70 ms less where a hundred modules are few files:
// what these and the command load is then put together, each entry file under the name that it has.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')

/** By folder of dist/. */
const ENTRIES = {
  workers: ['host', 'cell', 'duet', 'prepare', 'governor', 'probe', 'pipeline/workload'],
  'harness/cli': ['main'],
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)

for (const [folder, entries] of Object.entries(ENTRIES)) {
  const dir = join(root, 'dist', folder)
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [entry, join(dir, `${entry}.js`)])),
    // Packages stay where npm puts them.
    external: /^[^./]/,
    platform: 'node',
  })
  // Beside the entry files, since what they hold names files by where it lies itself.
  const names = { entryFileNames: '[name].js', chunkFileNames: 'shared-[name].js' }
  await bundle.write({ dir, ...names, sourcemap: true })
  await bundle.close()
}
chmodSync(join(root, 'dist', 'harness', 'cli', 'main.js'), 0o755)
