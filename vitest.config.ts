import { existsSync, readFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// Where it is set, Node 20 reads these certificates at every start, for 40 ms, and the tests start thousands of processes.
// Only those in full form talk to a registry.
if (process.env['STINT_FULL'] !== '1') delete process.env['NODE_EXTRA_CA_CERTS']

const root = import.meta.dirname
const SOURCES = /^(?:harness|workers)\/.*\.ts$/

/**
 * `npm test` has just compiled the sources: tests get those modules as Node loads them, which takes Vite a good part of
 * the suite's time. Single files by `npx vitest` test the sources as they are.
 */
const compiled = {
  name: 'compiled',
  enforce: 'pre' as const,
  resolveId(source: string, importer: string | undefined) {
    if (!importer?.startsWith(join(root, 'test/')) || !source.startsWith('.')) return null
    const file = relative(root, resolve(dirname(importer), source))
    // A module is replaced in another only where Vite loads both.
    if (!SOURCES.test(file) || readFileSync(importer, 'utf8').includes('vi.mock(')) return null
    const built = join(root, 'build', file.replace(/\.ts$/, '.js'))
    return existsSync(built) ? { id: built, external: true } : null
  },
}

export default defineConfig({
  plugins: /^test(?::full)?$/.test(process.env['npm_lifecycle_event'] ?? '') ? [compiled] : [],
  test: {
    server: { deps: { external: [/\/build\/(?:harness|workers)\//] } },
    exclude: ['test/bench/**'],
    pool: 'forks',
    // Tests that run at once are those of fleets, which mostly wait.
    maxConcurrency: 10,
    // Garbage of tests is short-lived: fewer collections, and no threads for them that take a core from other files.
    execArgv: ['--max-semi-space-size=64', '--single-threaded-gc'],
    // One more than the cores of a small machine: commands wait for their own processes. Four take as long.
    maxWorkers: 3,
    // What a test loads, and the process that takes its commands, serve all files of a worker.
    isolate: false,
    // What Stint remembers of the files that it wrote is not mixed with the developer's.
    env: { XDG_CACHE_HOME: join(tmpdir(), `stint-test-cache-${userInfo().uid}`) },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Projects start in the order of their names: first the long files, so that none of them runs by itself at the end.
    projects: [
      {
        extends: true,
        test: { name: 'commands', include: ['test/{integration,fault}/**/*.test.ts'] },
      },
      {
        extends: true,
        test: { name: 'modules', include: ['test/{unit,property}/**/*.test.ts'] },
      },
    ],
  },
})
