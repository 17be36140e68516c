import assert from 'node:assert/strict'
import type { Data } from '../coordinate/data.ts'
import type {
  Attempt,
  AttemptRequest,
  Coordinate,
  CoordinateWorkerRecord,
  Namespace,
  WorkSpec,
  WorkUnit,
} from '../coordinate/model.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Each rule of the contract, with a check that rejects if it is broken. */
export type CoordinateCases = Readonly<Record<string, (context: CoordinateContext) => Promise<void>>>

/** What a case of `coordinateConformance` is given. */
export interface CoordinateContext {
  /** An empty one. */
  readonly coordinate: Coordinate
  /** The clock that it uses. */
  readonly clock: VirtualClock
}

export const LIFETIME_MS = 15 * 60_000

export interface Place {
  readonly namespace: Namespace
  readonly spec: WorkSpec
  readonly worker: CoordinateWorkerRecord
}

/** A namespace with a worker, and a spec 'spec' with these units. */
export async function placeOf(
  { coordinate }: CoordinateContext,
  units: string[] = [],
  data: Data = {},
): Promise<Place> {
  const namespace = await coordinate.namespace('namespace')
  const spec = await namespace.setWorkSpec({ name: 'spec', ...data })
  await add(spec, ...units)
  return { namespace, spec, worker: await namespace.worker('worker') }
}

/** Adds units, each with its name in its data. */
export function add(spec: WorkSpec, ...names: string[]): Promise<WorkUnit[]> {
  return spec.addWorkUnits(names.map((name) => ({ name, data: { name } })))
}

export async function namesOf(attempts: Promise<Attempt[]>): Promise<string[]> {
  return (await attempts).map(({ workUnit }) => workUnit.name)
}

/** @throws AssertionError unless the request gives this unit and no other */
export async function take(
  worker: CoordinateWorkerRecord,
  name: string,
  request: AttemptRequest = {},
): Promise<Attempt> {
  const attempts = await worker.requestAttempts(request)
  assert.deepEqual(
    attempts.map(({ workUnit }) => workUnit.name),
    [name],
  )
  return attempts[0]!
}

/** @throws AssertionError unless `call` rejects with an error of that name */
export function rejectsWith(name: string, call: Promise<unknown>): Promise<void> {
  return assert.rejects(call, { name })
}

export async function statusesOf(spec: WorkSpec): Promise<Record<string, string>> {
  const units = await spec.workUnits()
  const statuses = [...units].map(async ([name, unit]) => [name, await unit.status()] as const)
  return Object.fromEntries(await Promise.all(statuses))
}
