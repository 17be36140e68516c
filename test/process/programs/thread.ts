// Creates a shutdown signal in a worker thread.
import { Worker, isMainThread } from 'node:worker_threads'
import { shutdownSignal } from 'runutil'
import { print } from './print.ts'

if (isMainThread) {
  new Worker(new URL(import.meta.url))
} else {
  shutdownSignal().addEventListener('abort', () => print('it aborted'))
}
