import { type Runnable, Worker, runProvidedWorkers } from 'runutil'
import { type DependencyContainer } from 'tsyringe'
import { capturedLogger } from '../logs.ts'
import { untilAbort } from '../outcome.ts'

const { logger } = capturedLogger()

type Class = new (...args: never[]) => { workers(): Iterable<Runnable> }

/** A class that keeps its constructor arguments, with a list of all its instances. */
export function keeper(kept: Thing[][]): Class {
  return class Keeper {
    constructor(...things: Thing[]) {
      kept.push(things)
    }
    workers = (): Runnable[] => [untilAbort]
  }
}

export class Thing {
  static made = 0
  readonly id = ++Thing.made
  disposed = 0
  async dispose(): Promise<void> {
    await Promise.resolve()
    this.disposed++
  }
}

let groups = 0
/** A new group with this class, whose parameters are these tokens. */
export function grouped(type: Class, ...tokens: unknown[]): string {
  const group = `disposal ${groups++}`
  Worker({ group, inject: tokens as never })(type)
  return group
}

/** Runs the classes of one group from the container until each worker has started, then aborts. */
export async function runBriefly(
  container: DependencyContainer,
  group: string,
  options: object = {},
): Promise<void> {
  const stop = new AbortController()
  setImmediate(() => stop.abort())
  await runProvidedWorkers(container, stop.signal, { group, logger, ...options })
}
