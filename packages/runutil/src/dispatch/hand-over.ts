import type { Clock } from '../core/clock.ts'
import { SerialQueue } from '../core/serial-queue.ts'
import { toError } from '../core/thrown.ts'
import { ErrNoWorker, OwnTargetError } from './errors.ts'
import type { ManagerSettings } from './manager-options.ts'
import { ownTarget } from './own-target.ts'
import { validJson } from './schema.ts'
import type { Posted, WorkerInfo } from './task-exchange.ts'

/** What is to be done, by whoever is live for its target. */
export interface Order {
  readonly id: string
  readonly target: string
  readonly input: unknown
}

interface Placed extends Order {
  /** What the caller has for itself. */
  readonly ownTarget: string | undefined
}

/** Writes actions down and hands their tasks to live workers. */
export class HandOver {
  readonly #settings: ManagerSettings
  readonly #clock: () => Clock
  /** What is handed to one target goes in the order of the calls. */
  readonly #inOrder = new SerialQueue()
  readonly #unfinished = new Set<Promise<Posted>>()

  constructor(settings: ManagerSettings, clock: () => Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /**
   * @param started what to wait for before anything is written
   * @throws ErrNoWorker, OwnTargetError, InvalidActionError, InvalidArgumentError; what the ledger says
   */
  give(order: Order, started: Promise<unknown>): Promise<Posted> {
    const giving = this.#give({ ...order, ownTarget: ownTarget() }, started)
    this.#unfinished.add(giving)
    const finished = (): void => void this.#unfinished.delete(giving)
    giving.then(finished, finished)
    return giving
  }

  /** Resolves when nothing is being handed over. */
  async idle(): Promise<void> {
    while (this.#unfinished.size > 0) await Promise.allSettled(this.#unfinished)
  }

  async #give(order: Placed, started: Promise<unknown>): Promise<Posted> {
    const { operation, ledger } = this.#settings
    const { target } = order
    // Now: whoever is live for one of several calls in a tick is so for all of them.
    const found = settled(ledger.exchange.find(operation, target))
    // The next one begins when the ledger has the call, which keeps the order from there.
    const { dispatched } = await this.#inOrder.run(async () => {
      const record = await this.#record(order, found)
      await started
      return { dispatched: ledger.dispatch(record) }
    }, target)
    return (await dispatched) ?? { taken: Promise.resolve() }
  }

  async #record({ id, target, input: given, ownTarget }: Placed, found: Promise<Found>) {
    const { operation, input: schema } = this.#settings
    const what = `input for ${target}`
    const input = await validJson(schema, given, what)
    const { worker, error } = await found
    if (error !== undefined) throw error
    if (worker === undefined) throw new ErrNoWorker(operation, target)
    if (worker.exclusive === true && ownTarget === target) throw new OwnTargetError(target)
    const now = this.#clock().now()
    return {
      id,
      operation,
      host: worker.host,
      target,
      input,
      status: 'running' as const,
      createdAt: now,
      updatedAt: now,
    }
  }
}

interface Found {
  readonly worker?: WorkerInfo | undefined
  readonly error?: Error
}

/** A failure that nobody has come to yet must not be an unhandled rejection. */
function settled(finding: Promise<WorkerInfo | undefined>): Promise<Found> {
  return finding.then(
    (worker) => ({ worker }),
    (error: unknown) => ({ error: toError(error) }),
  )
}
