import assert from 'node:assert/strict'
import type { ActionLedger } from '../dispatch/action-ledger.ts'
import type { ActionRecord, Task } from '../dispatch/action.ts'
import type { WorkerRegistration } from '../dispatch/task-exchange.ts'
import type { ActionLedgerContext } from './action-ledger-cases.ts'
import { Probe } from './probe.ts'

/** Sentences, and the functions that check them. */
export type TaskExchangeCases = Record<string, (context: ActionLedgerContext) => Promise<void>>

/** The contract of the TaskExchange of every ActionLedger, as test cases like `actionLedgerConformance`. */
export const taskExchangeConformance: TaskExchangeCases = {
  'a worker is found while it is alive': async ({ ledger: { exchange } }) => {
    assert.equal(await exchange.find('test', 'a'), undefined)
    const registered = [await live(exchange, 'a'), await live(exchange, 'b', 'other host')]
    const a = info('a')
    const b = info('b', 'other host')
    assert.deepEqual(await exchange.find('test', 'b'), b)
    assert.equal(await exchange.find('another', 'a'), undefined)
    assert.deepEqual(await exchange.present('test'), [a, b])
    assert.deepEqual(exchange.known('test'), [a, b])
    assert.deepEqual(await exchange.present('another'), [])
    await registered[0]!.close(NOW)
    assert.equal(await exchange.find('test', 'a'), undefined)
    assert.deepEqual(await exchange.present('test'), [a, b])
    assert.deepEqual(exchange.known('test'), [b])
    await registered[0]!.withdraw(NOW)
    assert.equal(await exchange.find('test', 'a'), undefined)
    assert.deepEqual(await exchange.present('test'), [b])
    assert.deepEqual(exchange.known('test'), [b])
    await registered[1]!.withdraw(NOW)
  },

  'a worker is found while its registration is pending': async ({ ledger: { exchange } }) => {
    const registering = live(exchange, 'a')
    assert.deepEqual(await exchange.find('test', 'a'), info('a'))
    await (await registering).withdraw(NOW)
  },

  'tasks are received one at a time, in the order of the calls': async ({ ledger }) => {
    const worker = await live(ledger.exchange, 'a')
    const taken = new Probe<string>('taken')
    const calls = ['1', '2', '3'].map((id) =>
      ledger.dispatch(action(id, { input: { nth: id } }), () => taken.hit(id)),
    )
    assert.deepEqual(await Promise.all(calls), [true, true, true])
    for (const id of ['1', '2', '3']) {
      assert.deepEqual(await worker.next(), { ...task(id), input: { nth: id } })
      await taken.times(Number(id))
      assert.equal(taken.values.at(-1), id)
    }
    await worker.withdraw(NOW)
  },

  'a task wakes a waiting worker': async ({ ledger }) => {
    const worker = await live(ledger.exchange, 'a')
    const next = worker.next()
    await ledger.dispatch(action('1'))
    assert.deepEqual(await next, task('1'))
    await worker.withdraw(NOW)
  },

  'each target has tasks of its own': async ({ ledger }) => {
    const workers = new Map<string, WorkerRegistration>()
    for (const target of ['a', 'b']) workers.set(target, await live(ledger.exchange, target))
    await Promise.all(
      ['b', 'a', 'b', 'a'].map((target, at) => ledger.dispatch(action(`${at}`, { target, input: at }))),
    )
    for (const [target, inputs] of [['a', [1, 3]] as const, ['b', [0, 2]] as const]) {
      const worker = workers.get(target)!
      assert.deepEqual([(await worker.next())?.input, (await worker.next())?.input], inputs)
      await worker.withdraw(NOW)
    }
  },

  'without a live worker the action fails': async ({ ledger }) => {
    const worker = await live(ledger.exchange, 'a')
    assert.equal(await ledger.dispatch(action('1', { target: 'b' })), false)
    assert.equal(await ledger.dispatch(action('2', { host: 'other host' })), false)
    assert.equal(await ledger.dispatch(action('3', { operation: 'another' })), false)
    await worker.close(NOW)
    assert.equal(await ledger.dispatch(action('4')), false)
    await worker.withdraw(NOW)
    assert.equal(await ledger.dispatch(action('5')), false)
    for (const id of ['1', '2', '3', '4', '5']) await isLost(ledger, id)
  },

  'a task whose action has ended meanwhile is not delivered': async ({ ledger }) => {
    const worker = await live(ledger.exchange, 'a')
    for (const id of ['1', '2', '3']) await ledger.dispatch(action(id))
    for (const id of ['1', '2']) await ledger.update({ id, updatedAt: 2, status: 'failed' })
    assert.deepEqual(await worker.next(), task('3'))
    await worker.withdraw(NOW)
  },

  'a closed worker gets no more tasks, and those not begun have failed': async ({ ledger }) => {
    const worker = await live(ledger.exchange, 'a')
    for (const id of ['1', '2', '3']) await ledger.dispatch(action(id))
    assert.deepEqual(await worker.next(), task('1'))
    await worker.close(NOW)
    assert.deepEqual(await ledger.get('1'), action('1'))
    for (const id of ['2', '3']) await isLost(ledger, id)
    assert.equal(await worker.next(), undefined)
    await worker.withdraw(NOW)
    await worker.withdraw(NOW)
    assert.equal(worker.lost.aborted, false)
    assert.deepEqual(await ledger.get('1'), action('1'))
  },

  'a withdrawn worker gets no more tasks, even while it waits': async ({ ledger }) => {
    const worker = await live(ledger.exchange, 'a')
    const next = worker.next()
    await worker.withdraw(NOW)
    assert.equal(await next, undefined)
    assert.equal(await worker.next(), undefined)
  },

  'of exclusive workers of a target, one has a task at a time, in the order of the calls': async ({
    ledger,
  }) => {
    const one = await exclusive(ledger.exchange, 'one')
    const two = await exclusive(ledger.exchange, 'two')
    for (const [id, operation] of ['one', 'one', 'two', 'one'].entries())
      await ledger.dispatch(action(`${id + 1}`, { operation }))
    const began: string[] = []
    const next = async (worker: WorkerRegistration): Promise<void> => {
      began.push((await worker.next())!.action)
    }
    await next(one)
    const third = next(two)
    await next(one)
    const fourth = next(one)
    await third
    const last = two.next()
    await fourth
    assert.deepEqual(began, ['1', '2', '3', '4'])
    await one.withdraw(NOW)
    await two.withdraw(NOW)
    assert.equal(await last, undefined)
  },

  'an exclusive worker holds its target until its task has ended, however it ends': async ({ ledger }) => {
    const one = await exclusive(ledger.exchange, 'one')
    const two = await exclusive(ledger.exchange, 'two')
    const other = await live(ledger.exchange, 'a')
    const elsewhere = await exclusive(ledger.exchange, 'one', 'b')
    await ledger.dispatch(action('1', { operation: 'one' }))
    assert.equal((await one.next())!.action, '1')
    let began = false
    const second = two.next().finally(() => (began = true))
    await ledger.dispatch(action('2', { operation: 'two' }))
    // Workers that are not exclusive, or have another target, do not wait.
    await ledger.dispatch(action('3'))
    await ledger.dispatch(action('4', { operation: 'one', target: 'b' }))
    assert.deepEqual([(await other.next())!.action, (await elsewhere.next())!.action], ['3', '4'])
    await one.close(NOW)
    assert.equal(began, false)
    await one.withdraw(NOW)
    assert.equal((await second)!.action, '2')
    await Promise.all([two, other, elsewhere].map((worker) => worker.withdraw(NOW)))
  },

  'an exclusive worker that is closed while another holds its target stops waiting': async ({ ledger }) => {
    const one = await exclusive(ledger.exchange, 'one')
    const two = await exclusive(ledger.exchange, 'two')
    await ledger.dispatch(action('1', { operation: 'one' }))
    assert.equal((await one.next())!.action, '1')
    await ledger.dispatch(action('2', { operation: 'two' }))
    const second = two.next()
    await two.close(NOW)
    assert.equal(await second, undefined)
    await isLost(ledger, '2')
    await two.withdraw(NOW)
    await ledger.dispatch(action('3', { operation: 'one' }))
    assert.equal((await one.next())!.action, '3')
    await one.withdraw(NOW)
  },

  'a target has one worker; another is refused or waits': async ({ ledger, again }) => {
    const first = await live(ledger.exchange, 'a')
    const { exchange } = await again()
    const second = settled(live(exchange, 'a', 'other host'))
    assert.equal((await exchange.find('test', 'a'))?.host, 'host')
    await first.close(NOW)
    assert.equal(await ledger.exchange.find('test', 'a'), undefined)
    await first.withdraw(NOW)
    const outcome = await second
    if (outcome instanceof Error) assert.equal(outcome.name, 'ErrTargetTaken')
    const next = outcome instanceof Error ? await live(exchange, 'a', 'other host') : outcome
    assert.equal((await exchange.find('test', 'a'))?.host, 'other host')
    await next.withdraw(NOW)
  },
}

const NOW = 7

async function isLost(ledger: ActionLedger, id: string): Promise<void> {
  const { status, error } = (await ledger.get(id))!
  assert.deepEqual([status, error], ['failed', 'worker lost'])
}

function info(target: string, host = 'host') {
  return { operation: 'test', host, target }
}

function live(
  exchange: ActionLedger['exchange'],
  target: string,
  host?: string,
): Promise<WorkerRegistration> {
  return exchange.register(info(target, host), new AbortController().signal)
}

async function exclusive(
  exchange: ActionLedger['exchange'],
  operation: string,
  target = 'a',
): Promise<WorkerRegistration> {
  const worker = { ...info(target), operation, exclusive: true } as const
  const registration = await exchange.register(worker, new AbortController().signal)
  assert.deepEqual(await exchange.find(operation, target), worker)
  return registration
}

function task(action: string): Task {
  return { action, input: {}, host: 'host', target: 'a' }
}

function action(id: string, given: Partial<ActionRecord> = {}): ActionRecord {
  return {
    id,
    ...info('a'),
    input: {},
    status: 'running',
    createdAt: 1,
    updatedAt: 1,
    ...given,
  }
}

function settled<T>(promise: Promise<T>): Promise<T | Error> {
  return promise.catch((error: unknown) => error as Error)
}
