import { describe } from '../core/describe.ts'
import { InvalidArgumentError } from '../core/errors.ts'
import { checkName } from '../core/options.ts'
import { decorationOf } from '../core/worker-registry.ts'
import type { Runnable, Worker } from '../core/worker.ts'
import { toWorker } from './declarative.ts'
import { NamedWorker } from './named.ts'

/**
 * Names a worker, one level further down in paths: its logs, health and errors carry '…/name'.
 *
 * @throws InvalidArgumentError for an empty name or something that is not a worker
 */
export function namedWorker(worker: Runnable, name: string): Worker {
  checkName(name, 'namedWorker')
  return new NamedWorker(toWorker(worker, 'namedWorker'), name)
}

/**
 * As `namedWorker`, with the name of a class: its `@Worker({ name })`, else the class name.
 *
 * @param of the class or an instance of it
 */
export function namedWorkerFromType(worker: Runnable, of: object | Function): Worker {
  return namedWorker(worker, typeNameOf(of))
}

/** @throws InvalidArgumentError for an anonymous class */
export function typeNameOf(of: object | Function): string {
  const type: unknown = typeof of === 'object' ? (of as object | null)?.constructor : of
  const name = typeof type === 'function' ? decorationOf(type)?.name || type.name : ''
  if (name !== '') return name
  throw new InvalidArgumentError(
    `expected a class with a name, or an instance of one; got ${describe(of)}; name it in @Worker({ name: '…' })`,
  )
}
