import { isolate } from '../core/worker-registry.ts'

/** Ends the isolation; also at the end of a `using` block. */
export interface WorkerIsolation extends Disposable {
  (): void
}

/**
 * Gives a test a registry of its own: until the returned function is called, `runProvidedWorkers` finds only classes that are
 * decorated with `@Worker()` from now on, and those of `provideWorker`. So classes of the same name in two test files of one
 * process do not conflict. A class that was decorated before is run with `provideWorker(container, Class)`.
 *
 * @example
 * beforeEach(() => isolateWorkers()) // vitest calls what a hook returns after the test
 */
export function isolateWorkers(): WorkerIsolation {
  const end = isolate()
  return Object.assign(() => end(), { [Symbol.dispose]: end })
}
