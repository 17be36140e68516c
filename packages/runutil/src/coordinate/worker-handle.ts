import { toStorableMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { otherCopyHint } from '../core/shared.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { checkCount, checkData, checkDate, checkNumber, checkTexts } from './checks.ts'
import type { Id, Named, AttemptRow, WorkerRow } from './coordinate-store.ts'
import type { Data } from './data.ts'
import type { Attempt, AttemptRequest, CoordinateWorkerRecord, WorkUnit, WorkerUpdate } from './model.ts'
import type { SchedulerRequest } from './scheduler.ts'
import type { Session } from './session.ts'
import { WorkUnitHandle } from './work-unit-handle.ts'

const LIFETIME = '15m'

export class WorkerHandle implements CoordinateWorkerRecord {
  readonly name: string
  readonly #id: Id
  readonly #session: Session

  constructor(session: Session, { id, name }: Named) {
    this.#session = session
    this.#id = id
    this.name = name
  }

  async parent(): Promise<CoordinateWorkerRecord | undefined> {
    const { parent } = await this.#get()
    return parent && this.#session.make.worker(parent)
  }

  async setParent(worker: CoordinateWorkerRecord | undefined): Promise<void> {
    if (worker !== undefined && !(worker instanceof WorkerHandle)) {
      throw unexpected(
        'setParent',
        'a worker of a namespace, or undefined',
        worker,
        otherCopyHint(worker, WorkerHandle),
      )
    }
    await this.#session.store.workers.setParent(this.#id, worker && worker.#id)
  }

  async children(): Promise<CoordinateWorkerRecord[]> {
    const children = await this.#session.store.workers.children(this.#id)
    return children.map((child) => this.#session.make.worker(child))
  }

  async active(): Promise<boolean> {
    return (await this.#get()).active
  }

  deactivate(): Promise<void> {
    return this.#session.store.workers.deactivate(this.#id)
  }

  async mode(): Promise<string> {
    return (await this.#get()).mode
  }

  async data(): Promise<Data> {
    return (await this.#get()).data
  }

  async expiration(): Promise<Date> {
    return new Date((await this.#get()).expiration)
  }

  async lastUpdate(): Promise<Date> {
    return new Date((await this.#get()).lastUpdate)
  }

  async update(update: WorkerUpdate): Promise<void> {
    const { data, now, expiration, mode } = checkOptions('update', update, [
      'data',
      'now',
      'expiration',
      'mode',
    ])
    checkData(data, 'update')
    checkDate(now, 'update: now')
    checkDate(expiration, 'update: expiration')
    checkText(mode, 'update: mode')
    await this.#session.store.workers.update(this.#id, { data, now, expiration, mode })
  }

  async requestAttempts(request: AttemptRequest = {}): Promise<Attempt[]> {
    const { asked, lifetimeMs } = resolve(request)
    const { store } = this.#session
    const worker = { id: this.#id, name: this.name }
    return this.#made(await store.attempts.request(worker, asked, lifetimeMs, this.#session.random()))
  }

  async makeAttempt(unit: WorkUnit, lifetime: Duration = LIFETIME): Promise<Attempt> {
    if (!(unit instanceof WorkUnitHandle))
      throw unexpected('makeAttempt', 'a work unit', unit, otherCopyHint(unit, WorkUnitHandle))
    const lifetimeMs = toStorableMs(lifetime, 'makeAttempt: lifetime')
    const { store } = this.#session
    return this.#session.make.attempt(await store.attempts.make(this.#id, unit.id, lifetimeMs))
  }

  activeAttempts(): Promise<Attempt[]> {
    return this.#attempts('itself', 'active')
  }

  allAttempts(): Promise<Attempt[]> {
    return this.#attempts('itself', 'all')
  }

  childAttempts(): Promise<Attempt[]> {
    return this.#attempts('children', 'active')
  }

  async #attempts(of: 'itself' | 'children', which: 'active' | 'all'): Promise<Attempt[]> {
    const { store } = this.#session
    return this.#made(await store.workers.attempts(this.#id, of, which))
  }

  #made(attempts: readonly AttemptRow[]): Attempt[] {
    return attempts.map((attempt) => this.#session.make.attempt(attempt))
  }

  #get(): Promise<WorkerRow> {
    return this.#session.store.workers.get(this.#id)
  }
}

function resolve(request: AttemptRequest): { asked: SchedulerRequest; lifetimeMs: number } {
  const known = ['availableGb', 'lifetime', 'numberOfWorkUnits', 'workSpecs', 'runtimes'] as const
  const { availableGb, lifetime = LIFETIME, ...rest } = checkOptions('requestAttempts', request, known)
  const { numberOfWorkUnits: units = 1, workSpecs, runtimes } = rest
  checkCount(units, 'requestAttempts: numberOfWorkUnits')
  checkTexts(workSpecs, 'requestAttempts: workSpecs')
  checkTexts(runtimes, 'requestAttempts: runtimes')
  if (availableGb !== undefined) checkNumber(availableGb, 'requestAttempts: availableGb')
  return {
    asked: { availableGb, units, workSpecs: unlessEmpty(workSpecs), runtimes: unlessEmpty(runtimes) },
    lifetimeMs: toStorableMs(lifetime, 'requestAttempts: lifetime'),
  }
}

/** An empty list means any, like a missing one. */
function unlessEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list
}
