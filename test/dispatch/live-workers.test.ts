import {
  ErrNoWorker,
  ErrTargetTaken,
  JsonLinesActionLedger,
  Manager,
  MemoryActionLedger,
} from 'runutil/dispatch'
import { Probe } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { StoreUnavailableError } from '../../packages/runutil/src/core/store-unavailable-error.ts'
import { running } from '../support/dispatch/running-manager.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { eventually } from '../support/eventually.ts'

describe('live workers', () => {
  it('are listed and found, until they are closed', async () => {
    const { manager, stop } = await running()
    const one = manager.workers.register('h1', 'one', () => {})
    manager.workers.register('h2', 'two', () => {})
    expect([...manager.workers]).toEqual([
      { host: 'h1', target: 'one' },
      { host: 'h2', target: 'two' },
    ])
    expect(manager.workers.find('two')).toEqual({ host: 'h2', target: 'two' })
    await one.close()
    expect([...manager.workers].map(({ target }) => target)).toEqual(['two'])
    await stop()
    expect([...manager.workers]).toEqual([])
  })

  it('are one for each target', async () => {
    const { manager, stop } = await running()
    manager.workers.register('h1', 'one', () => {})
    expect(() => manager.workers.register('h2', 'one', () => {})).toThrow(ErrTargetTaken)
    expect(() => manager.workers.register('h2', 'one', () => {})).toThrow(
      'target one already has a live worker, on host h1; close that registration first',
    )
    await stop()
  })

  it('that are closed abort their task and wait for it; what waits is lost', async () => {
    const { manager, stop } = await running()
    const registration = manager.workers.register('host', 'target', (_, signal) => untilAbort(signal))
    const first = manager.do('target', 1)
    const second = manager.do('target', 2)
    await first
    await registration.close()
    expect((await first.completed).status).toBe('succeeded')
    expect((await failureOf(second.completed)).message).toBe('worker lost')
    await stop()
  })

  it('that are closed as they are given a task do not begin it', async () => {
    const { manager, ledger, stop } = await running()
    const given = new Probe<unknown>('given')
    const registration = manager.workers.register('host', 'target', ({ input }) => given.hit(input))
    await registration.ready
    let closed: Promise<void> | undefined
    const record = {
      id: '1',
      operation: 'test',
      host: 'host',
      target: 'target',
      input: 1,
      status: 'running',
      createdAt: 1,
      updatedAt: 1,
    } as const
    const onTaken = (): void => void (closed = registration.close())
    expect(await ledger.dispatch(record, onTaken)).toBe(true)
    await eventually(() => expect(closed).toBeDefined())
    await closed
    expect(await ledger.get('1')).toMatchObject({ status: 'failed', error: 'worker lost' })
    expect(given.values).toEqual([])
    await stop()
  })

  it.each<[string, (manager: Manager) => unknown, string]>([
    ['no host', (manager) => manager.workers.register('', 't', () => {}), 'register: host: expected a name'],
    [
      'no handler',
      (manager) => manager.workers.register('h', 't', 1 as never),
      'a handler (task, signal) => Promise; got 1',
    ],
    [
      'no operation',
      () => new Manager({ operation: '', ledger: new MemoryActionLedger() }),
      "Manager: operation: expected a name that isn't empty",
    ],
    [
      'no ledger',
      () => new Manager({ operation: 'x', ledger: {} as never }),
      'Manager: ledger: expected a MemoryActionLedger',
    ],
    [
      'a bad grace period',
      () => new Manager({ operation: 'x', ledger: new MemoryActionLedger(), gracePeriod: -1 }),
      'Manager: gracePeriod: expected a duration',
    ],
    ['an unknown option', () => new Manager({ operation: 'x', ledgr: 1 } as never), "did you mean 'ledger'?"],
    ['a ledger without a file', () => new JsonLinesActionLedger(''), 'expected the path of a file'],
  ])('refuse %s', async (_, call, message) => {
    const { manager, stop } = await running()
    expect(() => call(manager)).toThrow(message)
    await stop()
  })
})

describe('a worker', () => {
  it('that is closed keeps its target until its task has ended, however long that takes', async () => {
    const { manager, clock, stop } = await running({ gracePeriod: '1s' })
    const gate = new AbortController()
    const registration = manager.workers.register('host', 'target', () => untilAbort(gate.signal))
    const done = manager.do('target', 1)
    await done
    const closed = registration.close()
    await clock.advance('10s')
    expect(manager.workers.find('target')).toBeUndefined()
    expect(() => manager.workers.register('host', 'target', () => {})).toThrow(ErrTargetTaken)
    expect(await failureOf(manager.do('target', 2))).toBeInstanceOf(ErrNoWorker)
    gate.abort()
    await closed
    expect((await done.completed).status).toBe('succeeded')
    manager.workers.register('host', 'target', () => {})
    await stop()
  })

  it('waits for a ledger that is away when its task has ended, and goes on', async () => {
    const { manager, ledger, clock, stop } = await running()
    const update = ledger.update.bind(ledger)
    let away = true
    ledger.update = (...args) =>
      away ? Promise.reject(new StoreUnavailableError('away', { outcomeUnknown: false })) : update(...args)
    manager.workers.register('host', 'target', () => {})
    const done = withLogger(capturedLogger().logger, () => manager.do('target', 1))
    await done
    await clock.advance('5m')
    const behind = manager.do('target', 2)
    away = false
    await clock.advance('10s')
    expect((await done.completed).status).toBe('succeeded')
    expect((await behind.completed).status).toBe('succeeded')
    await stop()
  })

  it('has an input of its own', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', ({ input }) => void Object.assign(input as object, { x: 2 }))
    const action = await manager.do('target', { x: 1 }).completed
    expect(action.input).toEqual({ x: 1 })
    expect((await manager.actions.byInput({ x: 1 })).map(({ id }) => id)).toEqual([action.id])
    await stop()
  })
})
