import { PoolDestroyedError } from './errors.ts'
import type { StartGate } from './start-gate.ts'
import type { WorkerFactory } from './worker-factory.ts'
import type { SupervisedWorker } from './worker/supervised-worker.ts'

type Spawner = Pick<WorkerFactory, 'prepare' | 'spawn'>

/** The start of one worker: waits for its turn at the gate, then for the handshake. */
export class Launch {
  /** Rejects with a HandshakeError, SpawnError or WorkerError, or with what the factory throws. */
  readonly up: Promise<SupervisedWorker>
  /** Undefined until the process is spawned. */
  worker: SupervisedWorker | undefined
  #cancelled = false
  #giveUp: () => void = () => {}

  /** @param early as `WorkerFactory.spawn` */
  constructor(gate: StartGate, factory: Spawner, early = 0) {
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

  /** Cancels the start: `up` rejects. Resolves when its process has ended. */
  async cancel(): Promise<void> {
    this.#cancelled = true
    if (this.worker === undefined) this.#giveUp()
    else await this.worker.kill()
  }

  async #start(factory: Spawner, early: number): Promise<SupervisedWorker> {
    const output = await factory.prepare()
    try {
      if (this.#cancelled) throw new PoolDestroyedError()
      this.worker = factory.spawn(early, output)
    } catch (error) {
      output?.close()
      throw error
    }
    await this.worker.start()
    return this.worker
  }
}

/**
 * Starts workers concurrently, as many at a time as the gate admits. Resolves with all of them after their handshakes. If one
 * fails, kills the others, and rejects when they have ended.
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

/** Throws for a worker that was up, but ended before the slowest one was up. */
async function failEnded(worker: SupervisedWorker): Promise<void> {
  const { error } = await worker.wait()
  throw error ?? new Error(`worker ${worker.pid} was killed`)
}
