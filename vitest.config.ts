import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const source = (path: string): string =>
  fileURLToPath(new URL(`packages/runutil/src/${path}`, import.meta.url))

/** Files that take longest, most of them short ones that run cases of stores: without them first, one is left alone at the end. */
const LONGEST =
  /(readme\/readme|postgres\/(shadowed|embedded)|examples\/(commit-jobs|repo-watch)|queue\/job-store|chaos|coordinate-store|action-ledger)\.test\.ts$/

/** By how long they took before, which a fresh clone doesn't know. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

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
    // Each worker loads the sources once, not once for each file: that took a seventh of the time. So a file leaves nothing behind in
    // its process: no listener, no variable of the environment, no registration in the global container.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // A limit for what hangs, not for what is slow: a machine may be busy with something else.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    globalSetup: ['test/support/global-setup.ts'],
    // tsyringe throws at import unless it is loaded first, and tests import in any order.
    setupFiles: ['reflect-metadata', 'test/support/each-file.ts'],
  },
})
