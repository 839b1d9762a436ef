import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    exclude: ['test/bench/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Projects start in the order of their names: first the long files, so that none of them is left alone at the end.
    projects: [
      {
        extends: true,
        test: { name: 'commands', include: ['test/{integration,fault}/**/*.test.ts'] },
      },
      {
        // What runs in the tests' own process is loaded once a worker instead of once a file.
        extends: true,
        test: { name: 'modules', include: ['test/{unit,property}/**/*.test.ts'], isolate: false },
      },
    ],
  },
})
