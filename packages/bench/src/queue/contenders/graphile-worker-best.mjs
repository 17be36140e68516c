// graphile-worker at its fastest: its local queue takes 500 jobs a statement, completions that come in one turn share
// one. The refetch delay of 10 ms is what its own benchmark has; a longer one is no faster and picks up later.
import { start } from './graphile-worker.mjs'

export { producer, setup } from './graphile-worker.mjs'

const BEST = {
  localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
}

export async function worker(url, { concurrency }, onJob) {
  return start(url, { ...BEST, concurrentJobs: concurrency }, onJob)
}
