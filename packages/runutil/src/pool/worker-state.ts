/**
 * inactive ─► ready ⇄ working.  Each of them may go to `stopping`, when it was told to end, is being killed or has
 * broken, or to `errored`, when it ended by itself.  stopping ─► stopped, or ─► errored if it had broken.
 * `inactive` has a process that has not answered the handshake; `stopped` and `errored` have none and are final.
 */
export type WorkerState = 'inactive' | 'ready' | 'working' | 'stopping' | 'stopped' | 'errored'

const moves: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  inactive: ['ready', 'stopping', 'errored'],
  ready: ['working', 'stopping', 'errored'],
  working: ['ready', 'stopping', 'errored'],
  stopping: ['stopped', 'errored'],
  stopped: [],
  errored: [],
}

/** @throws Error for a move that isn't drawn above: a bug in the pool */
export function checkMove(from: WorkerState, to: WorkerState): void {
  if (!moves[from].includes(to)) throw new Error(`a worker can't go from ${from} to ${to}`)
}
