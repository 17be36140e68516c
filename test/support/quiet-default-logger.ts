import { currentLogger } from '../../packages/runutil/src/core/context.ts'

// Runs without a logger of their own would fill the output with the starts and ends of their workers.
currentLogger().level = 'silent'
