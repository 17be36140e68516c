import { describe, expect, test } from 'vitest'
import { type Runnable, WorkerHungError, backoff, errorIs, supervise, wait, workerReady } from 'runutil'
import { follow, untilAbort } from '../support/outcome.ts'
import { ObservedRun } from '../support/runtime/observed-run.ts'

/** Runs the minimal programs of faults that random programs have found. */
function start(...workers: Runnable[]) {
  const run = new ObservedRun({ grace: '1s' })
  const over = follow(run.start(...workers))
  return { run, over, clock: run.clock, runtime: run.runtime }
}

const forever = (): Promise<void> => new Promise(() => {})
const throwing = (): void => {
  throw new Error('down')
}

describe('a supervisor that fails while one of its workers still runs', () => {
  test('is not restarted beside it, even if it hangs itself', async () => {
    const retry = backoff(10)
    const { run, clock, runtime, over } = start(
      supervise(
        [{ name: 'Sup', worker: supervise([{ name: 'A', worker: forever, stopTimeout: 20 }]), watchdog: 50 }],
        { retry },
      ),
    )
    await clock.advance(40)
    void runtime.restart('/#0/Sup/A')
    await clock.advance('5s')
    expect(over.settled).toBe('rejected')
    expect(errorIs(over.error, WorkerHungError)).toBe(true)
    expect(run.typesOf('/#0/Sup/A').filter((type) => type === 'starting')).toHaveLength(1)
  })

  test('is not restarted beside it, and reports the first failure if it gave up', async () => {
    const children = [
      { name: 'A', worker: throwing },
      { name: 'B', worker: forever },
    ]
    const limited = supervise(children, { retry: backoff(10), intensity: { restarts: 0, within: '1s' } })
    const { run, clock, over } = start(supervise([{ name: 'Sup', worker: limited }], { retry: backoff(10) }))
    await clock.advance('5s')
    const { errors } = over.error as AggregateError
    expect((errors[0] as AggregateError).errors.map(({ name }: Error) => name)).toEqual([
      'RestartLimitError',
      'WorkerHungError',
    ])
    expect(run.typesOf('/#0/Sup/B').filter((type) => type === 'starting')).toHaveLength(1)
  })

  test('has failed in the tree, even if it is stopped meanwhile', async () => {
    const children = [{ name: 'A', worker: forever, stopTimeout: 20 }]
    const { run, clock, runtime, over } = start({ name: 'Sup', worker: supervise(children) })
    await clock.advance(10)
    void runtime.restart('/Sup/A')
    await clock.advance(10)
    run.stop()
    await clock.advance('5s')
    expect(over.settled).toBe('rejected')
    expect(runtime.get('/Sup')).toMatchObject({ state: 'failed', lastError: { name: 'WorkerHungError' } })
    expect(run.typesOf('/Sup').slice(-2)).toEqual(['stopping', 'failed'])
  })
})

test('a temporary worker that hangs, or is not ready in time, does not affect others', async () => {
  const { run, clock, runtime, over } = start(
    { name: 'Late', worker: untilAbort, restart: 'temporary', startTimeout: 20 },
    { name: 'Hangs', worker: untilAbort, restart: 'temporary', watchdog: 20 },
    { name: 'Other', worker: untilAbort },
  )
  await clock.advance(100)
  expect(runtime.tree().children.map(({ state }) => state)).toEqual(['failed', 'failed', 'ready'])
  run.stop()
  await clock.advance(0)
  expect(over.settled).toBe('resolved')
})

describe('an operator', () => {
  test('can remove a worker that others depend on, whereupon these start', async () => {
    const { clock, runtime } = start(
      { name: 'Db', worker: untilAbort },
      { name: 'Api', worker: untilAbort, after: 'Db' },
      { name: 'Web', worker: untilAbort, after: 'Api' },
    )
    await clock.advance(10)
    expect(runtime.get('/Api')).toMatchObject({ state: 'waiting' })
    await runtime.remove('/Db')
    expect(runtime.get('/Api')).toMatchObject({ state: 'starting' })
    expect(await runtime.add('', { name: 'More', worker: untilAbort, after: 'Api' })).toBe('/More')
  })

  test('can start a worker that waits for the restart of others, and that restart does not stop it again', async () => {
    const { run, clock, runtime } = start(
      supervise(
        [
          { name: 'A', worker: untilAbort },
          { name: 'B', worker: failingOnce() },
        ],
        {
          strategy: 'one_for_all',
          retry: backoff(100),
        },
      ),
    )
    await clock.advance(30)
    expect(runtime.get('/#0/A')).toMatchObject({ state: 'waiting' })
    await runtime.start('/#0/A')
    await clock.advance(200)
    expect(run.typesOf('/#0/A')).toEqual(['starting', 'ready', 'stopping', 'waiting', 'starting', 'ready'])
    expect(runtime.get('/#0/B')).toMatchObject({ state: 'ready' })
  })

  test('can stop a hung worker, which stays stopped and is not restarting', async () => {
    const slow = (signal: AbortSignal): Promise<void> =>
      untilAbort(signal).then(() => new Promise((resolve) => clock.setTimeout(resolve, 100)))
    const { clock, runtime } = start(
      supervise([{ name: 'A', worker: slow, watchdog: 50 }], { retry: backoff(10) }),
    )
    await clock.advance(60)
    void runtime.stop('/#0/A')
    await clock.advance(500)
    expect(runtime.get('/#0/A')).toMatchObject({ state: 'stopped', failures: 1, restarts: 0 })
  })

  test('can add a dependent of a worker, which from its next start on must report that it is ready', async () => {
    const { clock, runtime } = start({ name: 'Db', worker: saysReadyLate(), retry: backoff(10) })
    await clock.advance(10)
    await runtime.add('', { name: 'Api', worker: untilAbort, after: 'Db' })
    expect(runtime.get('/Api')).toMatchObject({ state: 'ready' })
    await runtime.restart('/Db')
    expect(runtime.get('/Db')).toMatchObject({ state: 'starting' })

    function saysReadyLate() {
      return async (signal: AbortSignal): Promise<void> => {
        clock.setTimeout(workerReady, 50)
        await untilAbort(signal)
      }
    }
  })
})

test('a failed run has a failed event with its error, and later exits do not change its tree', async () => {
  const { run, clock, runtime, over } = start({
    name: 'Sup',
    worker: supervise([{ name: 'A', worker: () => wait('5s') }]),
  })
  await clock.advance(10)
  run.stop()
  await clock.advance('2s')
  expect(run.events.at(-1)).toMatchObject({ path: '', type: 'failed', error: over.error })
  await clock.advance('10s')
  expect(runtime.get('/Sup/A')).toMatchObject({ state: 'abandoned' })
})

function failingOnce() {
  let starts = 0
  return (signal: AbortSignal): Promise<void> => {
    if (starts++ === 0) throw new Error('down')
    return untilAbort(signal)
  }
}
