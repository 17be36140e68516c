import { getEventListeners } from 'node:events'
import { runAllWorkers, wait } from 'runutil'
import {
  type Action,
  ActionFailedError,
  type Dispatched,
  ErrActionEnded,
  ErrNoSuchAction,
  ErrNoWorker,
  ErrTargetTaken,
  InvalidActionError,
  JsonLinesActionLedger,
  Manager,
  type ManagerOptions,
  ManagerNotRunningError,
  ManagerRunningError,
  MemoryActionLedger,
  type Task,
  WorkerLostError,
} from 'runutil/dispatch'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { StoreUnavailableError } from '../../packages/runutil/src/core/unavailable.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'

async function running(options: Partial<ManagerOptions<unknown, unknown>> = {}) {
  const clock = new VirtualClock()
  const ledger = new MemoryActionLedger()
  const manager = new Manager({ operation: 'test', ledger, clock, ...options })
  const stop = new AbortController()
  const run = runAllWorkers([{ name: 'Manager', worker: manager }], stop.signal, {
    clock,
    logger: capturedLogger().logger,
  })
  await clock.advance(0)
  return {
    ...{ clock, ledger, manager, run },
    stop: async () => {
      stop.abort()
      await clock.advance(0)
      await run
      expect(clock.pending).toBe(0)
      expect(getEventListeners(stop.signal, 'abort')).toEqual([])
    },
  }
}

describe('do', () => {
  it('hands a task to the worker of its target, and completes with what it says', async () => {
    const { manager, stop, clock } = await running()
    const tasks = new Probe<object>('tasks')
    manager.workers.register('host', 'target', async (task) => {
      tasks.hit(task)
      await manager.update({ id: task.action, output: { pages: 3 } })
    })
    const done = manager.do('target', { url: 'x' })
    const id = await done
    expect(tasks.values).toEqual([{ action: id, input: { url: 'x' }, host: 'host', target: 'target' }])
    const now = new Date(clock.now())
    const action = {
      ...{ id, operation: 'test', host: 'host', target: 'target', input: { url: 'x' }, status: 'succeeded' },
      ...{ output: { pages: 3 }, createdAt: now, updatedAt: now },
    }
    expect(await done.completed).toEqual(action)
    expect(await manager.actions.get(id)).toEqual(action)
    await stop()
  })

  it('resolves when the worker has taken the task, while it works on it', async () => {
    const { manager, stop } = await running()
    const gate = new AbortController()
    manager.workers.register('host', 'target', () => untilAbort(gate.signal))
    const first = manager.do('target', 1)
    const second = manager.do('target', 2)
    expect((await manager.actions.get(await first))?.status).toBe('running')
    const seen = follow(second)
    await first
    expect(seen.settled).toBe('no')
    gate.abort()
    await second
    expect((await second.completed).status).toBe('succeeded')
    await stop()
  })

  it('of calls in one tick keeps the order, one task at a time', async () => {
    const { manager, stop } = await running()
    const events: string[] = []
    manager.workers.register('host', 'target', async ({ input }) => {
      events.push(`begin ${String(input)}`)
      await Promise.resolve()
      events.push(`end ${String(input)}`)
    })
    const all = [1, 2, 3].map((input) => manager.do('target', input))
    await Promise.all(all.map(({ completed }) => completed))
    expect(events).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
    await stop()
  })

  it('without a live worker writes nothing', async () => {
    const { manager, ledger, stop } = await running()
    const done = manager.do('nowhere', 1)
    const error = await failureOf(done)
    expect(error).toBeInstanceOf(ErrNoWorker)
    expect(error.message).toContain('no live worker of test for target nowhere')
    expect(await failureOf(done.completed)).toBe(error)
    expect(await all(ledger.search({}))).toEqual([])
    await stop()
  })

  it('works as soon as run has been called, and not before or after', async () => {
    const manager = new Manager({ operation: 'test', ledger: new MemoryActionLedger() })
    manager.workers.register('host', 'target', () => {})
    expect(await failureOf(manager.do('target', 1))).toBeInstanceOf(ManagerNotRunningError)
    const stop = new AbortController()
    const run = manager.run(stop.signal)
    await manager.do('target', 1)
    stop.abort()
    await run
    expect(await failureOf(manager.do('target', 1))).toBeInstanceOf(ManagerNotRunningError)
  })

  it('runs once at a time', async () => {
    const { manager, stop } = await running()
    const error = await failureOf(manager.run(new AbortController().signal))
    expect(error).toBeInstanceOf(ManagerRunningError)
    manager.workers.register('host', 'target', () => {})
    expect((await manager.do('target', 1).completed).status).toBe('succeeded')
    await stop()
  })

  it('whose action has been ended before its turn is not given to anyone', async () => {
    const { manager, stop } = await running()
    const gate = new AbortController()
    const given: unknown[] = []
    manager.workers.register('host', 'target', ({ input }) => {
      given.push(input)
      return untilAbort(gate.signal)
    })
    const [first, second, third] = [1, 2, 3].map((input) => manager.do('target', input))
    await first
    const [waiting] = await all(manager.actions.search({ input: 2 }))
    await manager.update({ id: waiting!.id, status: 'failed', error: 'cancelled' })
    gate.abort()
    expect((await failureOf(second!.completed)).message).toBe('cancelled')
    await third!.completed
    expect(given).toEqual([1, 3])
    await Promise.all([first, second, third])
    await stop()
  })

  it('takes inputs and outputs that fit the schemas, and what these make of them', async () => {
    const { manager, ledger, stop } = await running({
      input: z.object({ url: z.string(), depth: z.number().default(1) }),
      output: z.object({ pages: z.number() }),
    })
    let complaint: unknown
    manager.workers.register('host', 'target', async ({ action }) => {
      complaint = await failureOf(manager.update({ id: action, output: { pages: 'many' } }))
      await manager.update({ id: action, output: { pages: 1 } })
    })
    expect(await failureOf(manager.do('target', { url: 1 }))).toBeInstanceOf(InvalidActionError)
    expect(await all(ledger.search({}))).toEqual([])
    const action = await manager.do('target', { url: 'x' }).completed
    expect(action).toMatchObject({ input: { url: 'x', depth: 1 }, output: { pages: 1 }, status: 'succeeded' })
    expect(complaint).toBeInstanceOf(InvalidActionError)
    expect((complaint as Error).message).toContain('pages: ')
    await stop()
  })

  it('has the types of its schemas', async () => {
    const input = z.object({ url: z.string() })
    const output = z.object({ pages: z.number() })
    const manager = new Manager({ operation: 'test', ledger: new MemoryActionLedger(), input, output })
    type In = { url: string }
    type Out = { pages: number }
    type Typed = Manager<In, Out>
    expectTypeOf(manager).toEqualTypeOf<Typed>()
    expectTypeOf<Typed['do']>().parameter(1).toEqualTypeOf<In>()
    expectTypeOf<Typed['do']>().returns.toEqualTypeOf<Dispatched<In, Out>>()
    expectTypeOf<Typed['actions']['get']>().returns.resolves.toEqualTypeOf<Action<In, Out> | undefined>()
    manager.workers.register('host', 'target', (task) => {
      expectTypeOf(task).toEqualTypeOf<Task<In>>()
    })
    expectTypeOf<Typed['update']>()
      .parameter(0)
      .toEqualTypeOf<Partial<Action<In, Out>> & { readonly id: string }>()
  })

  it('refuses what is not JSON, and unknown options', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', () => {})
    expect(await failureOf(manager.do('target', 5n))).toBeInstanceOf(InvalidActionError)
    expect((await failureOf(manager.do(7 as never, 1))).message).toContain(
      'do: target: expected the name of a target',
    )
    await stop()
  })
})

describe('a handler that throws', () => {
  it('fails its action, takes its worker out and fails what waits behind it', async () => {
    const { manager, stop } = await running()
    const gate = new AbortController()
    const broken = new Error('the device fell off')
    const { ready } = manager.workers.register('host', 'target', async () => {
      await untilAbort(gate.signal)
      throw broken
    })
    await ready
    const [first, second, third] = [1, 2, 3].map((input) => manager.do('target', input))
    await first
    gate.abort()
    expect(await failureOf(first!.completed)).toBe(broken)
    const behind = await failureOf(second!.completed)
    expect(behind).toBeInstanceOf(WorkerLostError)
    expect(behind.message).toBe('worker lost')
    const ids = await Promise.all([first, second, third])
    const actions = await Promise.all(ids.map((id) => manager.actions.get(id!)))
    expect(actions.map((action) => [action!.status, action!.error])).toEqual([
      ['failed', 'the device fell off'],
      ['failed', 'worker lost'],
      ['failed', 'worker lost'],
    ])
    expect(manager.workers.find('target')).toBeUndefined()
    expect(await failureOf(manager.do('target', 4))).toBeInstanceOf(ErrNoWorker)
    manager.workers.register('host', 'target', () => {})
    expect((await manager.do('target', 5).completed).status).toBe('succeeded')
    await stop()
  })

  it('rejects completed, which nobody has to look at', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', () => Promise.reject(new Error('broken')))
    const unhandled = new Probe<unknown>('unhandled')
    const onUnhandled = (error: unknown): void => unhandled.hit(error)
    process.on('unhandledRejection', onUnhandled)
    await manager.do('target', 1)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled.values).toEqual([])
    await stop()
  })

  it('after it has said itself how the action ended changes nothing of that', async () => {
    const { manager, ledger, clock, stop } = await running()
    const changes = new Probe<string>('changes')
    const { off } = await ledger.follow(({ record }) => changes.hit(`${record.status} ${record.error}`))
    manager.workers.register('host', 'target', async ({ action }) => {
      await manager.update({ id: action, status: 'failed', error: 'disk full' })
      throw new Error('and so on')
    })
    expect((await failureOf(manager.do('target', 1).completed)).message).toBe('disk full')
    // It throws only afterwards.
    await clock.advance(0)
    await manager.workers.register('host', 'target', async ({ action }) => {
      await manager.update({ id: action, status: 'succeeded' })
    }).ready
    await manager.do('target', 2).completed
    await off()
    await stop()
    expect(changes.values).toEqual([
      ...['running undefined', 'failed disk full'],
      ...['running undefined', 'succeeded undefined'],
    ])
  })

  it('leaves its target to another at once', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', () => Promise.reject(new Error('broken')))
    await failureOf(manager.do('target', 1).completed)
    manager.workers.register('host', 'target', () => {})
    expect((await manager.do('target', 2).completed).status).toBe('succeeded')
    await stop()
  })

  it('by its own word may have failed otherwise', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', async ({ action }) => {
      await manager.update({ id: action, status: 'failed', error: 'no such page' })
    })
    const error = await failureOf(manager.do('target', 1).completed)
    expect(error).toBeInstanceOf(ActionFailedError)
    expect(error.message).toBe('no such page')
    expect(manager.workers.find('target')).toEqual({ host: 'host', target: 'target' })
    await stop()
  })
})

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
      'target one has a live worker already, on host h1; close that registration first',
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
    const posted = await ledger.dispatch({
      ...{ id: '1', operation: 'test', host: 'host', target: 'target', input: 1, status: 'running' },
      ...{ createdAt: 1, updatedAt: 1 },
    })
    await Promise.all([registration.close(), posted!.taken])
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

describe('update', () => {
  it('merges, and refuses what is unknown or has ended', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', () => {})
    const done = manager.do('target', { a: 1 })
    const id = await done
    await done.completed
    expect(await manager.update({ id, output: 'late' })).toMatchObject({
      status: 'succeeded',
      output: 'late',
      input: { a: 1 },
    })
    expect(await failureOf(manager.update({ id, status: 'failed' }))).toBeInstanceOf(ErrActionEnded)
    expect(await failureOf(manager.update({ id: 'none', output: 1 }))).toBeInstanceOf(ErrNoSuchAction)
    expect((await failureOf(manager.update({ id, status: 'done' as never }))).message).toContain(
      "'running', 'succeeded' or 'failed'; got",
    )
    expect((await failureOf(manager.update({ id, outptu: 1 } as never))).message).toContain(
      "did you mean 'output'?",
    )
    await stop()
  })
})

describe('after a restart', () => {
  it('what was running has failed when its worker does not come back within the grace period', async () => {
    const ledger = new MemoryActionLedger()
    for (const target of ['stays', 'returns']) {
      await ledger.create({
        ...{ id: target, operation: 'test', host: 'host', target, input: 1, status: 'running' },
        ...{ createdAt: 1, updatedAt: 1 },
      })
    }
    const { manager, clock, stop } = await running({ ledger, gracePeriod: '5s' })
    await clock.advance('3s')
    manager.workers.register('host', 'returns', () => {})
    manager.workers.register('another host', 'stays', () => {})
    await clock.advance('1s')
    expect((await manager.actions.get('stays'))?.status).toBe('running')
    await clock.advance('2s')
    expect(await manager.actions.get('stays')).toMatchObject({ status: 'failed', error: 'worker lost' })
    expect((await manager.actions.get('returns'))?.status).toBe('running')
    await stop()
  })
})

describe('search', () => {
  const at = (ms: number): Date => new Date(ms)
  async function filled() {
    const given = await running()
    for (const [n, status] of (['running', 'failed', 'succeeded', 'failed'] as const).entries()) {
      await given.ledger.create({
        ...{ id: `${n}`, operation: 'test', host: `h${n}`, target: `t${n}`, input: { n }, status },
        ...{ createdAt: n * 10, updatedAt: n * 10, ...(status === 'failed' && { error: `timeout ${n}` }) },
      })
    }
    await given.ledger.create({
      ...{ id: 'other', operation: 'other', host: 'h', target: 't', input: 1, status: 'running' },
      ...{ createdAt: 1, updatedAt: 1 },
    })
    for (const target of ['t0', 't1', 't2', 't3'])
      given.manager.workers.register(`h${target[1]!}`, target, () => {})
    return given
  }

  it.each<[Parameters<Manager['actions']['search']>[0], string[]]>([
    [{}, ['0', '1', '2', '3']],
    [{ status: 'failed' }, ['1', '3']],
    [{ status: { in: ['failed', 'running'] } }, ['0', '1', '3']],
    [{ input: { n: 2 } }, ['2']],
    [{ host: 'h3', status: 'failed' }, ['3']],
    [{ error: { contains: 'timeout' } }, ['1', '3']],
    [{ error: { contains: '3' }, status: 'failed' }, ['3']],
    [{ createdAt: { gte: at(10), lt: at(30) } }, ['1', '2']],
    [{ createdAt: { gt: at(10), lte: at(30) } }, ['2', '3']],
    [{ createdAt: at(20) }, ['2']],
    [{ id: { gte: '2' } }, ['2', '3']],
    [{ input: { contains: '"n":1' } }, ['1']],
    [{ output: 'none' }, []],
    [{ status: undefined }, ['0', '1', '2', '3']],
  ])('for %j finds %j', async (query, ids) => {
    const { manager, stop } = await filled()
    expect((await all(manager.actions.search(query))).map(({ id }) => id)).toEqual(ids)
    await stop()
  })

  it('by input finds those with the same', async () => {
    const { manager, stop } = await filled()
    expect((await manager.actions.byInput({ n: 2 })).map(({ id }) => id)).toEqual(['2'])
    await stop()
  })

  it('takes inputs as JSON has them', async () => {
    const { manager, stop } = await running()
    manager.workers.register('host', 'target', () => {})
    const input = { a: 1, b: undefined, at: new Date(0) }
    const { id } = await manager.do('target', input).completed
    expect((await manager.actions.byInput(input)).map((action) => action.id)).toEqual([id])
    for (const query of [{ input }, { input: { in: [input] } }]) {
      expect((await all(manager.actions.search(query))).map((action) => action.id)).toEqual([id])
    }
    await stop()
  })

  it('refuses unknown fields and operands, at the call', async () => {
    const { manager, stop } = await filled()
    expect(() => manager.actions.search({ statsu: 'failed' } as never)).toThrow("did you mean 'status'?")
    expect(() => manager.actions.search({ error: { contains: 1 } } as never)).toThrow(
      'search: error: contains: expected a string',
    )
    expect(() => manager.actions.search({}, { monitr: true } as never)).toThrow("did you mean 'monitor'?")
    await stop()
  })

  it('with monitor goes on with each change that matches, until the abort', async () => {
    const { manager, stop, ledger } = await filled()
    const seen = new Probe<string>('seen')
    const abort = new AbortController()
    const watching = (async () => {
      for await (const action of manager.actions.search(
        { target: 't1' },
        { signal: abort.signal, monitor: true },
      )) {
        seen.hit(`${action.status} ${String(action.output)}`)
      }
    })()
    await seen.times(1)
    manager.workers.find('t1')
    await manager.do('t1', 1).completed
    await manager.do('t2', 1).completed
    await ledger.update({ id: '1', updatedAt: 99, output: 'more' })
    await seen.times(4)
    abort.abort()
    await watching
    expect(seen.values).toEqual([
      'failed undefined',
      'running undefined',
      'succeeded undefined',
      'failed more',
    ])
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    await stop()
  })

  it('whose loop is left takes its listeners off', async () => {
    const { manager, stop } = await filled()
    const abort = new AbortController()
    for await (const action of manager.actions.search({}, { signal: abort.signal, monitor: true })) {
      expect(action.id).toBe('0')
      break
    }
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    await stop()
  })

  it('gives copies, which nobody can change the ledger by', async () => {
    const { manager, stop } = await filled()
    const action = (await manager.actions.get('2')) as Action<{ n: number }>
    action.input.n = 7
    expect(() => Object.assign(action, { status: 'failed' })).toThrow(TypeError)
    expect((await manager.actions.get('2'))?.input).toEqual({ n: 2 })
    await stop()
  })
})

describe('on abort', () => {
  it('runs until its tasks have ended, and only then again', async () => {
    const clock = new VirtualClock()
    const gate = new AbortController()
    const second = new AbortController()
    const stop = new AbortController()
    const manager = new Manager({ operation: 'test', ledger: new MemoryActionLedger(), clock })
    manager.workers.register('host', 'target', () => untilAbort(gate.signal))
    const first = manager.run(stop.signal)
    await manager.do('target', 1)
    stop.abort()
    await clock.advance(0)
    expect(await failureOf(manager.run(second.signal))).toBeInstanceOf(ManagerRunningError)
    gate.abort()
    await first
    const next = manager.run(second.signal)
    manager.workers.register('host', 'target', () => {})
    expect((await manager.do('target', 2).completed).status).toBe('succeeded')
    second.abort()
    await clock.advance(0)
    await next
  })

  it('what ends is told of, and what goes on elsewhere is not waited for', async () => {
    const { manager, ledger, stop } = await running()
    manager.workers.register('host', 'target', (_, signal) => untilAbort(signal))
    const here = manager.do('target', 1)
    await here
    const elsewhere = await ledger.exchange.announce({
      operation: 'test',
      host: 'elsewhere',
      target: 'other',
    })
    const there = manager.do('other', 2)
    await elsewhere.next()
    const id = await there
    await stop()
    expect((await here.completed).status).toBe('succeeded')
    expect(await failureOf(there.completed)).toBeInstanceOf(ManagerNotRunningError)
    expect((await ledger.get(id))?.status).toBe('running')
    await elsewhere.withdraw(1)
  })

  it('a manager aborts its tasks, waits for them, and leaves nothing', async () => {
    const { manager, clock, ledger, stop } = await running()
    manager.workers.register('host', 'target', async (_, signal) => {
      await untilAbort(signal)
      await wait('0ms')
    })
    const id = await manager.do('target', 1)
    await stop()
    expect((await ledger.get(id))?.status).toBe('succeeded')
    expect(clock.pending).toBe(0)
  })
})

async function all<T>(found: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of found) items.push(item)
  return items
}
