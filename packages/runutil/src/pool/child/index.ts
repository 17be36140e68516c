// What a worker's own process runs: a loop that answers the pool's tasks.
export { type ServeOptions, serve } from './serve.ts'
export { reportProgress } from './progress.ts'
export type { CallHandlers } from './calls.ts'
export type { Handler, Tools } from './handler.ts'
export type { Payload } from '../relay/payload.ts'
