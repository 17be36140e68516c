import { runAllWorkers } from 'runutil'
import {
  type Attempt,
  AttemptsExpiringError,
  type CoordinateTask,
  CoordinateWorker,
  type CoordinateWorkerOptions,
  ErrLostLease,
  MemoryCoordinateStore,
  type Namespace,
  type WorkSpec,
  createCoordinate,
} from 'runutil/coordinate'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import type { CoordinateTables } from '../../packages/runutil/src/coordinate/coordinate-store.ts'

/** A task that holds what it gets until it is let go, and what it saw of its signals. */
class Holding {
  readonly sets: Attempt[][] = []
  readonly signals: AbortSignal[] = []
  #letGo = (): void => {}
  readonly task: CoordinateTask = (attempts, signal) => {
    this.sets.push(attempts)
    this.signals.push(signal)
    return new Promise((resolve) => (this.#letGo = resolve))
  }

  letGo(): void {
    this.#letGo()
  }
}

class Case {
  readonly clock = new VirtualClock()
  readonly store: CoordinateTables
  readonly holding = new Holding()
  readonly errors: unknown[] = []
  namespace!: Namespace
  spec!: WorkSpec

  constructor(storeClock: VirtualClock | undefined) {
    const clock = storeClock ?? this.clock
    this.store = new MemoryCoordinateStore().withTime(() => clock.now())
  }

  static async of(units: number, storeClock?: VirtualClock): Promise<Case> {
    const made = new Case(storeClock)
    const clock = storeClock ?? made.clock
    made.namespace = await createCoordinate({ withTime: () => made.store }, { clock }).namespace('n')
    made.spec = await made.namespace.setWorkSpec({ name: 'spec', runtime: 'node' })
    await made.spec.addWorkUnits(Array.from({ length: units }, (_, at) => ({ name: `${at}`, data: {} })))
    return made
  }

  /** @returns stops it */
  async run(options: Partial<CoordinateWorkerOptions> = {}): Promise<() => Promise<void>> {
    const { clock, namespace, holding } = this
    const worker = new CoordinateWorker({
      namespace,
      tasks: { spec: holding.task },
      workerId: 'w',
      concurrency: 1,
      lifetime: '2m',
      errorHandler: (error) => this.errors.push(error),
      ...options,
    })
    const stop = new AbortController()
    const ended = runAllWorkers([worker], stop.signal, { clock, logger: capturedLogger().logger })
    await clock.advance(0)
    return async () => {
      stop.abort()
      holding.letGo()
      await clock.advance(0)
      await ended
      expect(clock.pending).toBe(0)
    }
  }

  /** Until `repair`, calls of a part of the store fail. */
  break<Part extends keyof CoordinateTables>(
    part: Part,
    ...names: (keyof CoordinateTables[Part])[]
  ): () => void {
    const calls: object = this.store[part]
    const down = (): Promise<never> => Promise.reject(new Error('the store is down'))
    for (const name of names) Object.defineProperty(calls, name, { value: down, configurable: true })
    return () => {
      for (const name of names) Reflect.deleteProperty(calls, name)
    }
  }
}

const finishAll: CoordinateTask = async (attempts) => {
  await Promise.all(attempts.map((attempt) => attempt.finish()))
}

describe('a CoordinateWorker whose store cannot be asked', () => {
  it('warns a task and fails its attempts when the store is back, if that is in time', async () => {
    const { clock, spec, holding, ...made } = await aCase(2)
    const stop = await made.run()
    const repair = made.break('workers', 'attempts')
    await clock.advance('108s')
    expect(holding.signals[0]!.reason).toBeInstanceOf(AttemptsExpiringError)
    repair()
    await clock.advance('5s')
    expect(await spec.countWorkUnitStatus()).toMatchObject({ failed: 2 })
    await stop()
  })

  it('takes them for expiring at the alarm at the latest', async () => {
    const { clock, holding, ...made } = await aCase(1)
    const stop = await made.run()
    made.break('workers', 'attempts')
    made.break('attempts', 'end')
    await clock.advance('89s')
    expect(holding.signals[0]!.aborted).toBe(false)
    await clock.advance('16s')
    expect(holding.signals[0]!.aborted).toBe(true)
    await stop()
  })

  it('stops a task with autoRenew before its attempts expire, and renews them again if it is back in time', async () => {
    const { clock, spec, holding, ...made } = await aCase(1)
    const stop = await made.run({ autoRenew: true })
    let repair = made.break('attempts', 'renew')
    await clock.advance('80s')
    expect(made.errors.length).toBeGreaterThan(2)
    repair()
    await clock.advance('10m')
    expect(holding.signals[0]!.aborted).toBe(false)
    repair = made.break('attempts', 'renew')
    await clock.advance('2m')
    expect(holding.signals[0]!.reason).toBeInstanceOf(AttemptsExpiringError)
    repair()
    holding.letGo()
    await clock.advance('2m')
    expect(holding.sets).toHaveLength(2)
    expect(await spec.countWorkUnitStatus()).toMatchObject({ pending: 1 })
    await stop()
  })

  it('needs no other answer than that to its request to know the task of a set', async () => {
    const { spec, ...made } = await aCase(3)
    made.break('specs', 'data')
    const stop = await made.run({ tasks: { spec: finishAll } })
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 3 })
    expect(await (await spec.workUnit('0')).numAttempts()).toBe(1)
    await stop()
  })

  it('works on what a request got whose answer was lost', async () => {
    const { clock, store, spec, ...made } = await aCase(3)
    const request = store.attempts.request.bind(store.attempts)
    store.attempts.request = async (...args) => {
      await request(...args)
      store.attempts.request = request
      throw new Error('the connection broke')
    }
    const stop = await made.run({ tasks: { spec: finishAll } })
    await clock.advance('1s')
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 3 })
    expect(await (await spec.workUnit('0')).numAttempts()).toBe(1)
    await stop()
  })

  const broken = new Error('the handler is broken')
  it.each<[string, () => Promise<void>]>([
    [
      'throws',
      () => {
        throw broken
      },
    ],
    ['rejects', () => Promise.reject(broken)],
  ])('is not troubled by an errorHandler that %s', async (_, errorHandler) => {
    const { clock, spec, ...made } = await aCase(1)
    const repair = made.break('attempts', 'request')
    const stop = await made.run({ tasks: { spec: finishAll }, errorHandler })
    await clock.advance('3s')
    repair()
    await clock.advance('1s')
    expect(await spec.countWorkUnitStatus()).toMatchObject({ finished: 1 })
    await stop()
  })
})

describe('a CoordinateWorker whose attempts others end', () => {
  it.each<[string, (spec: WorkSpec) => Promise<unknown>]>([
    ['cleared', async (spec) => (await spec.workUnit('0')).clearActiveAttempt()],
    ['deleted with their units', (spec) => spec.deleteWorkUnits()],
    ['expired', async (spec) => (await (await spec.workUnit('0')).activeAttempt())!.expire()],
  ])('aborts a task whose attempts were %s, at the next heartbeat', async (_, take) => {
    const { clock, spec, holding, ...made } = await aCase(1)
    const stop = await made.run()
    await take(spec)
    await clock.advance('15s')
    expect(holding.signals[0]!.reason).toBeInstanceOf(ErrLostLease)
    await stop()
  })

  it('aborts a task that lost one of its attempts only when it has ended the others', async () => {
    const { clock, spec, holding, ...made } = await aCase(2)
    const stop = await made.run()
    await (await spec.workUnit('0')).clearActiveAttempt()
    await clock.advance('20s')
    expect(holding.signals[0]!.aborted).toBe(false)
    await (await (await spec.workUnit('1')).activeAttempt())!.finish()
    await clock.advance('20s')
    expect(holding.signals[0]!.aborted).toBe(true)
    await stop()
  })

  it('aborts no task all whose attempts were finished in another way', async () => {
    const { clock, spec, holding, ...made } = await aCase(1)
    const stop = await made.run()
    await (await (await spec.workUnit('0')).activeAttempt())!.finish()
    await clock.advance('40s')
    expect(holding.signals[0]!.aborted).toBe(false)
    await stop()
  })

  it('fails only the attempts of the set whose task throws', async () => {
    const { clock, spec, ...made } = await aCase(2)
    let sets = 0
    const task: CoordinateTask = () => {
      // What is pending when it returns stays so.
      if (++sets > 1) throw new Error('broken')
    }
    const stop = await made.run({ tasks: { spec: task }, maxAttempts: 1 })
    await clock.advance(0)
    expect(await spec.countWorkUnitStatus()).toMatchObject({ pending: 1, failed: 1 })
    await stop()
    expect(await spec.countWorkUnitStatus()).toMatchObject({ available: 1, failed: 1 })
  })

  it('fails attempts also with an error whose text no store can hold', async () => {
    const { spec, ...made } = await aCase(1)
    const task: CoordinateTask = () => Promise.reject(new Error('half \ud83d of \0'))
    const stop = await made.run({ tasks: { spec: task } })
    expect((await (await spec.workUnit('0')).data())['message']).toBe('half \ufffd of \ufffd')
    expect(await spec.countWorkUnitStatus()).toMatchObject({ failed: 1 })
    await stop()
  })

  it('hands out no attempts that arrive after its stop, and expires them', async () => {
    const { clock, store, spec, holding, ...made } = await aCase(1)
    const request = store.attempts.request.bind(store.attempts)
    let answer = (): void => {}
    store.attempts.request = async (...args) => {
      const attempts = await request(...args)
      await new Promise<void>((resolve) => (answer = resolve))
      return attempts
    }
    const stop = await made.run()
    const stopped = stop()
    await clock.advance(0)
    answer()
    await stopped
    expect(holding.sets).toEqual([])
    expect(await spec.countWorkUnitStatus()).toMatchObject({ available: 1 })
  })
})

describe('a CoordinateWorker', () => {
  it.each([-600_000, 600_000])(
    'warns its tasks in time when its clock is %i ms off the store’s',
    async (off) => {
      const storeClock = new VirtualClock({ now: Date.UTC(2000, 0) + off })
      const { clock, holding, ...made } = await aCase(1, storeClock)
      const advance = async (seconds: number): Promise<void> => {
        for (let passed = 0; passed < seconds; passed++) {
          await storeClock.advance('1s')
          await clock.advance('1s')
        }
      }
      const stop = await made.run()
      await advance(89)
      expect(holding.signals[0]!.aborted).toBe(false)
      await advance(2)
      expect(holding.signals[0]!.reason).toBeInstanceOf(AttemptsExpiringError)
      await stop()
    },
  )

  it('that is started again under its name has active children, and leaves what its forerunner had', async () => {
    const { clock, namespace, spec, holding, ...made } = await aCase(0)
    await (
      await made.run()
    )()
    await spec.addWorkUnits(['0', '1'].map((name) => ({ name, data: {} })))
    const record = await namespace.worker('w-1')
    expect(await record.active()).toBe(false)
    await record.makeAttempt(await spec.workUnit('0'), '10m')
    const stop = await made.run()
    await clock.advance('1s')
    expect(await record.active()).toBe(true)
    expect(holding.sets.flat().map(({ workUnit }) => workUnit.name)).toEqual(['1'])
    await stop()
  })
})

/** With its methods bound, so that they can be taken out of it. */
async function aCase(units: number, storeClock?: VirtualClock) {
  const made = await Case.of(units, storeClock)
  const { clock, store, namespace, spec, holding, errors } = made
  return {
    clock,
    store,
    namespace,
    spec,
    holding,
    errors,
    run: (options?: Partial<CoordinateWorkerOptions>) => made.run(options),
    break: <Part extends keyof CoordinateTables>(part: Part, ...names: (keyof CoordinateTables[Part])[]) =>
      made.break(part, ...names),
  }
}
