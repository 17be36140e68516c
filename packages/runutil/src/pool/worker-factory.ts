import { PoolDestroyedError } from './errors.ts'
import type { PoolSettings } from './options.ts'
import type { PoolContext } from './pool-context.ts'
import type { OutputSocket } from './relay/output-socket.ts'
import type { Relay } from './relay/relay.ts'
import { type SpawnSpec, specOf } from './worker/spawn.ts'
import { SupervisedWorker } from './worker/supervised-worker.ts'
import type { WorkerListener } from './worker/worker-props.ts'

interface WorkerFactoryProps {
  readonly settings: PoolSettings
  readonly context: PoolContext
  readonly relay: Relay
  readonly listener: WorkerListener<SupervisedWorker>
}

/** Spawns workers, and keeps track of those whose processes have not ended. */
export class WorkerFactory {
  readonly #props: WorkerFactoryProps
  readonly #processes = new Set<SupervisedWorker>()
  #closed = false

  constructor(props: WorkerFactoryProps) {
    this.#props = props
  }

  get processes(): ReadonlySet<SupervisedWorker> {
    return this.#processes
  }

  /** Called before each spawn. @returns the process's output, or undefined for a pipe */
  prepare(): Promise<OutputSocket | undefined> {
    const { context, relay } = this.#props
    return context.scope.run(() => relay.prepare())
  }

  /**
   * @param early from 0 to 1: the fraction of its allotted work and time that the worker forgoes, so that workers don't all end
   *   together
   * @throws PoolDestroyedError, errors of the command function
   */
  spawn(early: number, output: OutputSocket | undefined): SupervisedWorker {
    const { settings, context, relay, listener } = this.#props
    const spec = this.#spec()
    const props = { ...settings, early, spec, relay, output, clock: context.clock, listener }
    const worker = context.scope.run(() => new SupervisedWorker(props))
    this.#processes.add(worker)
    return worker
  }

  /** Removes a worker whose process has ended. */
  remove(worker: SupervisedWorker): void {
    this.#processes.delete(worker)
  }

  /** Spawns no more workers, and kills those still running after `destroyTimeout`. Resolves when all have ended. */
  async close(): Promise<void> {
    this.#closed = true
    const { context, settings } = this.#props
    const limit = context.clock.setTimeout(() => {
      for (const worker of this.#processes) void worker.kill()
    }, settings.destroyMs)
    await Promise.all(Array.from(this.#processes, (worker) => worker.wait()))
    limit.clear()
  }

  /** Gets the spawn spec. A command function may destroy the pool. */
  #spec(): SpawnSpec {
    try {
      const spec = specOf(this.#props.settings.command)
      if (!this.#closed) return spec
    } catch (error) {
      if (!this.#closed) throw error
    }
    throw new PoolDestroyedError()
  }
}
