// Compiles harness/ and workers/ into dist/. Starts from an empty dist/ so that a deleted source leaves nothing behind.
// Every trial starts a process and a thread of its own, which takes 70 ms less where a hundred modules are few files:
// what those load is then put together, each entry file under the name that it has.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')

const ENTRIES = ['host', 'cell', 'duet', 'prepare', 'governor', 'probe', 'pipeline/workload']

rmSync(join(root, 'dist'), { recursive: true, force: true })
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)

const workers = join(root, 'dist', 'workers')
const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(workers, `${entry}.js`)])),
  // Packages stay where npm puts them.
  external: /^[^./]/,
  platform: 'node',
})
// Beside the entry files, since what they hold names files by where it lies itself.
await bundle.write({
  dir: workers,
  entryFileNames: '[name].js',
  chunkFileNames: 'shared-[name].js',
  sourcemap: true,
})
await bundle.close()
chmodSync(join(root, 'dist', 'harness', 'cli', 'main.js'), 0o755)
