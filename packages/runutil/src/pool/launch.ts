import type { WorkerProcess } from './worker/worker-process.ts'

/**
 * Starts workers side by side. Resolves with all of them, up and handshaken; if one fails, the others are killed, and
 * it rejects when nothing of them is left.
 *
 * @throws HandshakeError, SpawnError, WorkerError
 */
export async function launchAll(count: number, spawn: () => WorkerProcess): Promise<WorkerProcess[]> {
  const workers: WorkerProcess[] = []
  try {
    while (workers.length < count) workers.push(spawn())
    await Promise.all(workers.map((worker) => worker.start()))
    await Promise.all(workers.filter(({ state }) => state !== 'ready').map(failEnded))
    return workers
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.kill()))
    throw error
  }
}

/** For one that was up, but not for as long as the slowest took. */
async function failEnded(worker: WorkerProcess): Promise<void> {
  const { error } = await worker.wait()
  throw error ?? new Error(`worker ${worker.pid} was killed`)
}
