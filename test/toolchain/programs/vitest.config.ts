import { defineConfig } from 'vitest/config'

/** Nothing but where the tests are: `runutil` is the built package here. */
export default defineConfig({
  root: import.meta.dirname,
  test: { include: ['*.vitest.ts'], disableConsoleIntercept: true, testTimeout: 120_000 },
})
