import { type Runnable, Worker, runProvidedWorkers } from 'runutil'
import { type DependencyContainer } from 'tsyringe'
import { capturedLogger } from '../logs.ts'
import { untilAbort } from '../outcome.ts'

const { logger } = capturedLogger()

type Class = new (...args: never[]) => { workers(): Iterable<Runnable> }

/** A class that keeps the things that it was made with, in a list of all that were made. */
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
/** A group of its own with this class, whose parameters are these tokens. */
export function grouped(type: Class, ...tokens: unknown[]): string {
  const group = `disposal ${groups++}`
  Worker({ group, inject: tokens as never })(type)
  return group
}

/** Runs one group's classes from the container until each worker has had its turn, then aborts. */
export async function runBriefly(
  container: DependencyContainer,
  group: string,
  options: object = {},
): Promise<void> {
  const stop = new AbortController()
  setImmediate(() => stop.abort())
  await runProvidedWorkers(container, stop.signal, { group, logger, ...options })
}
