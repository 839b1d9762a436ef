import { defineConfig } from 'vitest/config'

/** `npm run test:vm`: checks in a guest, apart from the others since it takes a quarter of an hour and root. */
export default defineConfig({
  test: { include: ['test/vm/**/*.test.ts'], pool: 'forks', maxWorkers: 1 },
})
