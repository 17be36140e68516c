// Creates a shutdown signal in a worker thread.
import { Worker, isMainThread } from 'node:worker_threads'
import { shutdownSignal } from 'runutil'
import { print } from './print.ts'

if (isMainThread) {
  const load = `import { tsImport } from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))}
    await tsImport(${JSON.stringify(import.meta.url)}, ${JSON.stringify(import.meta.url)})`
  new Worker(new URL(`data:text/javascript,${encodeURIComponent(load)}`))
} else {
  shutdownSignal().addEventListener('abort', () => print('it aborted'))
}
