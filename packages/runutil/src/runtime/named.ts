import { Context, currentContext, newScope, withContext } from '../core/context.ts'
import { has } from '../core/has.ts'
import { type Worker, type WorkerFunc, callWorker } from '../core/worker.ts'
import { traceOf } from './worker-trace.ts'

/** Marks a worker whose `name` was assigned to it. */
export const carriesName = Symbol.for('runutil.name')

/** Marks a runutil worker with the worker or job inside of it, which names it if it has no name. */
export const runs = Symbol.for('runutil.runs')

/** A worker that runs one level further down in paths, with its own logger and trace. */
export class NamedWorker implements Worker {
  readonly [carriesName] = true
  readonly [runs]: object
  /** Includes the names of named workers inside of it: 'Type/Name'. */
  readonly name: string
  readonly #segment: string
  readonly #worker: Worker | WorkerFunc

  constructor(worker: Worker | WorkerFunc, name: string, named: unknown = worker) {
    this.name = fullName(name, named)
    this.#segment = name
    this[runs] = this.#worker = worker
  }

  run(signal: AbortSignal): Promise<void> {
    const outer = currentContext()
    const lines = traceOf(outer?.record)?.lines
    // Its starts and ends, and what it logs itself, are one trace.
    const isWhole = lines !== undefined && lines.name === `${outer?.name}/${this.#segment}`
    return withContext(isWhole ? lines : nestedContext(this.#segment), callWorker, this.#worker, signal)
  }
}

/** The context for a worker of this name, below the current one. */
export function nestedContext(name: string): Context {
  return currentContext()?.named(name) ?? new Context(newScope({}), `/${name}`)
}

/** The name that a worker was given, if any. A class instance or function has none by itself. */
export function nameOf(worker: unknown): string | undefined {
  if (typeof worker !== 'object' || worker === null) return undefined
  const given = worker as { name: string; worker?: unknown }
  if (carriesName in worker) return given.name
  return 'worker' in worker && !has(worker, 'run') ? fullName(given.name, given.worker) : undefined
}

function fullName(name: string, worker: unknown): string {
  const inner = nameOf(worker)
  return inner === undefined ? name : `${name}/${inner}`
}

/** The mark of the worker, or of the outermost worker inside of it that has one. */
export function markOf(worker: object, mark: symbol): unknown {
  for (let at: object | undefined = worker; at !== undefined; at = (at as { [runs]?: object })[runs]) {
    const value = (at as Record<symbol, unknown>)[mark]
    if (value !== undefined) return value
  }
  return undefined
}

/** The innermost worker or job that a worker runs. */
export function innerOf(worker: object): object {
  let inner = worker as { [runs]?: object }
  while (inner[runs] !== undefined) inner = inner[runs]
  return inner
}
