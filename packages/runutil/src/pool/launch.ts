import { PoolDestroyedError } from './errors.ts'
import type { StartGate } from './start-gate.ts'
import type { WorkerProcess } from './worker/worker-process.ts'

/** One worker on its way: it waits for its turn, then for its handshake. */
export class Launch {
  /** Rejects with a HandshakeError, SpawnError or WorkerError, or with what `spawn` throws. */
  readonly up: Promise<WorkerProcess>
  /** From when it is spawned. */
  worker: WorkerProcess | undefined
  #giveUp: () => void = () => {}

  constructor(gate: StartGate, spawn: () => WorkerProcess) {
    this.up = new Promise((resolve, reject) => {
      const giveUpTurn = gate.enter(() => {
        void this.#start(spawn)
          .then(resolve, reject)
          .finally(() => gate.leave())
      })
      this.#giveUp = () => {
        giveUpTurn()
        reject(new PoolDestroyedError())
      }
    })
  }

  /** Resolves when nothing is left of it; `up` rejects. */
  async cancel(): Promise<void> {
    if (this.worker === undefined) this.#giveUp()
    else await this.worker.kill()
  }

  async #start(spawn: () => WorkerProcess): Promise<WorkerProcess> {
    const worker = (this.worker = spawn())
    await worker.start()
    return worker
  }
}

/**
 * Starts workers side by side, as many at a time as the gate lets in. Resolves with all of them, up and handshaken; if
 * one fails, the others are killed, and it rejects when nothing of them is left.
 *
 * @param spawn is given which of them it makes, from 0
 * @throws HandshakeError, SpawnError, WorkerError
 */
export async function launchAll(
  count: number,
  gate: StartGate,
  spawn: (index: number) => WorkerProcess,
): Promise<WorkerProcess[]> {
  const launches = Array.from({ length: count }, (_, index) => new Launch(gate, () => spawn(index)))
  try {
    const workers = await Promise.all(launches.map(({ up }) => up))
    await Promise.all(workers.filter(({ state }) => state !== 'ready').map(failEnded))
    return workers
  } catch (error) {
    await Promise.all(launches.map((launch) => launch.cancel()))
    throw error
  }
}

/** For one that was up, but not for as long as the slowest took. */
async function failEnded(worker: WorkerProcess): Promise<void> {
  const { error } = await worker.wait()
  throw error ?? new Error(`worker ${worker.pid} was killed`)
}
