/** Marks a worker with the kind of its node in the tree: 'repeat', 'queue' … */
export const workerKind = Symbol.for('runutil.kind')

/** Marks a worker with the control of its runs that an operator has: 'pause', or 'trigger' as well. */
export const runControls = Symbol.for('runutil.runControls')

export type RunControl = 'pause' | 'trigger'

/** Marks a worker that repeats its runs with the longest time between two starts, in ms. */
export const intervalMs = Symbol.for('runutil.intervalMs')

/** Marks a worker with the restart type of the entry inside of it, which is that of its own entry if that gives none. */
export const restartType = Symbol.for('runutil.restart')

/**
 * Marks a worker that is up before all others of its run, and stopped after all of them have ended: with 'itself', or 'inside' if it
 * supervises such workers. It has to call `workerReady()`.
 */
export const comesFirst = Symbol.for('runutil.comesFirst')

export type First = 'itself' | 'inside'
