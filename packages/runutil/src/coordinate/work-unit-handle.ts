import { checkOptions } from '../core/options.ts'
import { checkDate, checkNumber } from './checks.ts'
import type { Id, Named, UnitRow } from './coordinate-store.ts'
import type { Data } from './data.ts'
import type { Attempt, WorkSpec, WorkUnit, WorkUnitMeta, WorkUnitOverview, WorkUnitStatus } from './model.ts'
import type { Session } from './session.ts'

export class WorkUnitHandle implements WorkUnit {
  readonly name: string
  readonly workSpec: WorkSpec
  readonly id: Id
  readonly #session: Session

  constructor(session: Session, workSpec: WorkSpec, { id, name }: Named) {
    this.#session = session
    this.workSpec = workSpec
    this.id = id
    this.name = name
  }

  async data(): Promise<Data> {
    return (await this.#get()).data
  }

  async status(): Promise<WorkUnitStatus> {
    return (await this.#get()).status
  }

  async meta(): Promise<WorkUnitMeta> {
    const { priority, notBefore } = await this.#get()
    return { priority, ...(notBefore !== undefined && { notBefore: new Date(notBefore) }) }
  }

  async setMeta(meta: WorkUnitMeta): Promise<void> {
    const { priority, notBefore } = unitMeta(meta, 'setMeta')
    await this.#session.store.units.setMeta(this.id, priority, notBefore)
  }

  async priority(): Promise<number> {
    return (await this.#get()).priority
  }

  async setPriority(priority: number): Promise<void> {
    checkNumber(priority, 'setPriority')
    await this.#session.store.units.setPriority(this.id, priority)
  }

  async activeAttempt(): Promise<Attempt | undefined> {
    const { activeAttempt } = await this.#get()
    return activeAttempt && this.#session.make.attempt(activeAttempt)
  }

  clearActiveAttempt(): Promise<void> {
    return this.#session.store.units.clearActiveAttempt(this.id)
  }

  async attempts(): Promise<Attempt[]> {
    const attempts = await this.#session.store.units.attempts(this.id)
    return attempts.map((attempt) => this.#session.make.attempt(attempt))
  }

  async numAttempts(): Promise<number> {
    return (await this.#get()).numAttempts
  }

  async overview(): Promise<WorkUnitOverview> {
    const { status, priority, notBefore, numAttempts } = await this.#get()
    return {
      status,
      priority,
      ...(notBefore !== undefined && { notBefore: new Date(notBefore) }),
      numAttempts,
    }
  }

  #get(): Promise<UnitRow> {
    return this.#session.store.units.get(this.id)
  }
}

/** @throws InvalidArgumentError */
export function unitMeta(
  meta: WorkUnitMeta = {},
  what: string,
): { priority: number; notBefore: number | undefined } {
  const { priority = 0, notBefore } = checkOptions(`${what}: meta`, meta, ['priority', 'notBefore'])
  checkNumber(priority, `${what}: priority`)
  if (notBefore !== undefined) checkDate(notBefore, `${what}: notBefore`)
  return { priority, notBefore: notBefore?.getTime() }
}
