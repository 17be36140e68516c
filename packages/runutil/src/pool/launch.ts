import { PoolDestroyedError } from './errors.ts'
import type { StartGate } from './start-gate.ts'
import type { WorkerFactory } from './worker-factory.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'

/** The start of one worker: it waits for its turn, then for its handshake. */
export class Launch {
  /** Rejects with a HandshakeError, SpawnError or WorkerError, or with what the factory throws. */
  readonly up: Promise<SupervisedWorker>
  /** From when it is spawned. */
  worker: SupervisedWorker | undefined
  #giveUp: () => void = () => {}

  /** @param early as `WorkerFactory.spawn` */
  constructor(gate: StartGate, factory: WorkerFactory, early = 0) {
    this.up = new Promise((resolve, reject) => {
      const giveUpTurn = gate.enter(() => {
        void this.#start(factory, early)
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

  async #start(factory: WorkerFactory, early: number): Promise<SupervisedWorker> {
    const worker = (this.worker = factory.spawn(early))
    await worker.start()
    return worker
  }
}

/**
 * Starts workers side by side, as many at a time as the gate lets in. Resolves with all of them, up and handshaken; if
 * one fails, the others are killed, and it rejects when nothing of them is left.
 *
 * @throws HandshakeError, SpawnError, WorkerError
 */
export async function launchAll(
  count: number,
  gate: StartGate,
  factory: WorkerFactory,
): Promise<SupervisedWorker[]> {
  const launches = Array.from({ length: count }, (_, index) => new Launch(gate, factory, index / count))
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
async function failEnded(worker: SupervisedWorker): Promise<void> {
  const { error } = await worker.wait()
  throw error ?? new Error(`worker ${worker.pid} was killed`)
}
