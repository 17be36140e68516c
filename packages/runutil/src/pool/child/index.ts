// What a worker's own process runs: a loop that answers the pool's tasks.
export { type Handler, type ServeOptions, serve } from './serve.ts'
export type { Payload } from '../relay/payload.ts'
