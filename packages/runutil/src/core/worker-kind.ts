/** Marks a worker with what its node in the tree is called: 'repeat', 'queue' … */
export const workerKind = Symbol.for('runutil.kind')

/** Marks a worker with what an operator may do with its runs: 'pause', or 'trigger' as well. */
export const runControls = Symbol.for('runutil.runControls')

export type RunControl = 'pause' | 'trigger'

/** Marks a worker that runs something again and again with the time between two starts, in ms. */
export const intervalMs = Symbol.for('runutil.intervalMs')
