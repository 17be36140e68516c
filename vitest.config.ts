import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string =>
  fileURLToPath(new URL(`packages/runutil/src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^runutil$/, replacement: source('index.ts') },
      { find: /^runutil\/pool\/child$/, replacement: source('pool/child/index.ts') },
      { find: /^runutil\/(\w+)$/, replacement: source('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // All processors: many tests wait for processes and databases. By default one is left free, of two that is half.
    maxWorkers: '100%',
    // A limit for what hangs, not for what is slow: a machine may be busy with something else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    globalSetup: ['test/support/global-setup.ts'],
    // tsyringe throws at import unless it is loaded first, and tests import in any order.
    setupFiles: ['reflect-metadata', 'test/support/quiet-default-logger.ts'],
  },
})
