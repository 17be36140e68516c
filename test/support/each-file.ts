import { afterAll } from 'vitest'
import { currentLogger } from '../../packages/runutil/src/core/context.ts'
import { isolate } from '../../packages/runutil/src/core/worker-registry.ts'

// Runs without a logger of their own would fill the output with the starts and ends of their workers.
currentLogger().level = 'silent'

// Files of one process don't run each other's decorated classes.
afterAll(isolate())
