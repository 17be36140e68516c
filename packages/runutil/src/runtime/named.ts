import { Context, currentContext, newScope, withContext } from '../core/context.ts'
import { has } from '../core/has.ts'
import { type Worker, type WorkerFunc, callWorker } from '../core/worker.ts'

/** Marks a worker whose `name` is a name that was given to it. */
export const carriesName = Symbol.for('runutil.name')

/** What a worker of runutil's own runs: by that it is called, where it has no name. */
export const runs = Symbol.for('runutil.runs')

/** A worker that runs one level further down in names, with its own logger and trace. */
export class NamedWorker implements Worker {
  readonly [carriesName] = true
  readonly [runs]: object
  /** With the names of named workers inside of it: 'Type/Name'. */
  readonly name: string
  readonly #segment: string
  readonly #worker: Worker | WorkerFunc

  constructor(worker: Worker | WorkerFunc, name: string, named: unknown = worker) {
    this.name = fullName(name, named)
    this.#segment = name
    this[runs] = this.#worker = worker
  }

  run(signal: AbortSignal): Promise<void> {
    return withContext(nestedContext(this.#segment), callWorker, this.#worker, signal)
  }
}

/** The context that a worker of this name runs in, here. */
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

/** What the worker, or the first inside of it that says so, is marked with. */
export function markOf(worker: object, mark: symbol): unknown {
  for (let at: object | undefined = worker; at !== undefined; at = (at as { [runs]?: object })[runs]) {
    const value = (at as Record<symbol, unknown>)[mark]
    if (value !== undefined) return value
  }
  return undefined
}

/** The innermost of what a worker runs. */
export function innerOf(worker: object): object {
  let inner = worker as { [runs]?: object }
  while (inner[runs] !== undefined) inner = inner[runs]
  return inner
}
