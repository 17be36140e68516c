import { toStorableMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { checkData } from './checks.ts'
import type { AttemptEnd, AttemptKey, AttemptRow } from './coordinate-store.ts'
import type { Data } from './data.ts'
import type { Attempt, AttemptStatus, CoordinateWorkerRecord, WorkUnit } from './model.ts'
import type { Session } from './session.ts'

/** Observes the calls made on an attempt through its handle. */
export interface AttemptWatcher {
  /** Called before the store renews the attempt. The returned function is called after the renewal. */
  onRenewal(): (lifetimeMs: number) => void
  onEnded(): void
}

export class AttemptHandle implements Attempt {
  /** The attempt as of the creation of this object. */
  readonly leased: AttemptRow
  #isEndRequested = false
  #watcher: AttemptWatcher | undefined
  #workUnit: WorkUnit | undefined
  #worker: CoordinateWorkerRecord | undefined
  readonly #session: Session

  constructor(session: Session, leased: AttemptRow) {
    this.#session = session
    this.leased = leased
  }

  /** Made when it is asked for, as is `worker`: of large batches few are. */
  get workUnit(): WorkUnit {
    const { make } = this.#session
    return (this.#workUnit ??= make.workUnit(this.leased.unit, make.workSpec(this.leased.spec)))
  }

  get worker(): CoordinateWorkerRecord {
    return (this.#worker ??= this.#session.make.worker(this.leased.worker))
  }

  /** Whether `finish`, `fail`, `retry` or `expire` was called on this object, successfully or not. */
  get isEndRequested(): boolean {
    return this.#isEndRequested
  }

  watch(watcher: AttemptWatcher): void {
    this.#watcher = watcher
  }

  async status(): Promise<AttemptStatus> {
    return (await this.#get()).status
  }

  async data(): Promise<Data> {
    return (await this.#get()).data
  }

  async startTime(): Promise<Date> {
    return new Date((await this.#get()).startTime)
  }

  async endTime(): Promise<Date | undefined> {
    const { endTime } = await this.#get()
    return endTime === undefined ? undefined : new Date(endTime)
  }

  async expirationTime(): Promise<Date> {
    return new Date((await this.#get()).expirationTime)
  }

  async renew(extend: Duration, data?: Data): Promise<void> {
    const extendMs = toStorableMs(extend, 'renew: extend')
    if (data !== undefined) checkData(data, 'renew')
    const onRenewed = this.#watcher?.onRenewal()
    await this.#session.store.attempts.renew(this.#key, extendMs, data)
    onRenewed?.(extendMs)
  }

  async expire(data?: Data): Promise<void> {
    if (data !== undefined) checkData(data, 'expire')
    this.#isEndRequested = true
    await this.#session.store.attempts.expire(this.#key, data)
    this.#watcher?.onEnded()
  }

  finish(data?: Data): Promise<void> {
    return this.#end('finished', data)
  }

  fail(data?: Data): Promise<void> {
    return this.#end('failed', data)
  }

  async retry(data?: Data, delay: Duration = 0): Promise<void> {
    await this.#end('retryable', data, toStorableMs(delay, 'retry: delay'))
  }

  async #end(status: AttemptEnd['status'], data: Data | undefined, delayMs = 0): Promise<void> {
    if (data !== undefined) checkData(data, status)
    this.#isEndRequested = true
    await this.#session.store.attempts.end({
      id: this.leased.id,
      unit: this.leased.unit.id,
      status,
      data,
      delayMs,
    })
    this.#watcher?.onEnded()
  }

  get #key(): AttemptKey {
    return { id: this.leased.id, unit: this.leased.unit.id }
  }

  #get(): Promise<AttemptRow> {
    return this.#session.store.attempts.get(this.#key)
  }
}

/** The same attempts as handles; every attempt of the model is one. */
export function attemptHandles(attempts: readonly Attempt[]): AttemptHandle[] {
  return attempts.filter((attempt) => attempt instanceof AttemptHandle)
}
