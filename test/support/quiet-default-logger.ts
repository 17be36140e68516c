import { currentLogger } from '../../packages/runutil/src/core/context.ts'

// Runs that are given no logger would fill the output with the starts and ends of their workers.
currentLogger().level = 'silent'
