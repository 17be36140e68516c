import { wait } from 'runutil'
import {
  type Action,
  type Dispatched,
  ErrActionEnded,
  ErrNoSuchAction,
  ErrNoWorker,
  InvalidActionError,
  Manager,
  ManagerNotRunningError,
  ManagerRunningError,
  MemoryActionLedger,
  type Task,
} from 'runutil/dispatch'
import { Probe, VirtualClock } from 'runutil/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { all } from '../support/dispatch/all.ts'
import { notJson } from '../support/not-json.ts'
import { running } from '../support/dispatch/running-manager.ts'
import { failureOf, follow, untilAbort } from '../support/outcome.ts'
import { eventually } from '../support/eventually.ts'

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
      id,
      operation: 'test',
      host: 'host',
      target: 'target',
      input: { url: 'x' },
      status: 'succeeded',
      output: { pages: 3 },
      createdAt: now,
      updatedAt: now,
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
    const waiting = await eventually(async () => {
      const found = await all(manager.actions.search({ input: 2 }))
      expect(found).toHaveLength(1)
      return found[0]!
    })
    await manager.update({ id: waiting.id, status: 'failed', error: 'cancelled' })
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
    expect((complaint as Error).message).toMatch(/^output of .* doesn't fit the schema: pages: /)
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
    const invalid = { name: 'InvalidArgumentError', code: 'ERR_INVALID_ARGUMENT' }
    for (const [name, make] of notJson) {
      const output = make()
      expect(await failureOf(manager.do('target', output)), name).toMatchObject(invalid)
      expect(await failureOf(manager.update({ id: 'any', output: [output] })), name).toMatchObject(invalid)
      expect(await failureOf(manager.actions.byInput({ output })), name).toMatchObject(invalid)
    }
    expect(await all(manager.actions.search())).toEqual([])
    expect((await failureOf(manager.do(7 as never, 1))).message).toContain(
      'do: target: expected the name of a target',
    )
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
    for (const field of ['operation', 'host', 'target', 'error']) {
      for (const value of [5, null, ...(field === 'error' ? [] : ['', 'a\0'])])
        expect((await failureOf(manager.update({ id, [field]: value }))).message).toMatch(
          new RegExp(`^update: ${field}: expected (a string|a name|text without NUL)`),
        )
    }
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
        id: target,
        operation: 'test',
        host: 'host',
        target,
        input: 1,
        status: 'running',
        createdAt: 1,
        updatedAt: 1,
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
    const elsewhere = await ledger.exchange.register({
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
