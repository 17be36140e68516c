import { backoff } from 'runutil'
import { type ClaimedJob, DeadlineExceededError, QueueWorker, RetryableError, defineJob } from 'runutil/queue'
import { describe, expect, it } from 'vitest'
import { type FreshWorkerOptions, freshWorker } from '../support/queue/fresh-worker.ts'
import { ScriptedHandler, givesUp } from '../support/queue/scripted-handler.ts'

const every = backoff('10s')

/** A worker whose handler throws what it is told to, attempt by attempt, and then returns; runs the job '1'. */
async function attemptsOf(errors: readonly unknown[], options: FreshWorkerOptions) {
  const calls: { attempt: number; isLastAttempt: boolean; at: number }[] = []
  const fresh = freshWorker(({ attempt, isLastAttempt }) => {
    const at = fresh.clock.elapsed()
    if (calls.push({ attempt, isLastAttempt, at }) <= errors.length) throw errors[calls.length - 1]
    return 'at last'
  }, options)
  await fresh.enqueue('1')
  const { stop } = await fresh.run()
  await fresh.clock.advance('10m')
  await stop()
  return { ...fresh, calls, job: await fresh.queue.get('1') }
}

const failure = new Error('no disk')

describe('a kind with attempts', () => {
  it('tries a failed job again after its backoff, and keeps its errors when it is DONE', async () => {
    const { calls, job } = await attemptsOf([failure, new Error('no net')], {
      limits: { attempts: 4, backoff: { duration: (attempt) => attempt * 20_000 } },
    })
    expect(calls.map(({ attempt, isLastAttempt }) => [attempt, isLastAttempt])).toEqual([
      [1, false],
      [2, false],
      [3, false],
    ])
    // It polls every second.
    expect(calls.map(({ at }) => Math.floor((at - calls[0]!.at) / 2_000) * 2_000)).toEqual([
      0, 20_000, 60_000,
    ])
    expect(job).toMatchObject({ status: 'DONE', result: 'at last', attemptsDone: 3 })
    expect(job?.errors).toMatchObject([
      { attempt: 1, message: 'no disk' },
      { attempt: 2, message: 'no net' },
    ])
    expect(job).not.toHaveProperty('lastError')
  })

  it('ends a job as FAILED when its last attempt has failed, which the handler can see', async () => {
    const { calls, job, lines } = await attemptsOf([failure, failure, failure], {
      limits: { attempts: 2, backoff: every },
    })
    expect(calls.map(({ isLastAttempt }) => isLastAttempt)).toEqual([false, true])
    expect(job).toMatchObject({ status: 'FAILED', lastError: 'no disk', attemptsDone: 2 })
    expect(job!.errors).toHaveLength(2)
    expect(lines).toMatchObject([
      { msg: 'job will be retried', attempt: 1 },
      { msg: 'job failed', attempt: 2 },
    ])
  })

  it('is asked by retryIf, also about a panic', async () => {
    const asked: unknown[][] = []
    const retryIf = (error: unknown, job: ClaimedJob): boolean => {
      asked.push([error, job.id, job.attempt])
      return error instanceof TypeError
    }
    const bug = new TypeError('x')
    const { job } = await attemptsOf([bug, failure], { limits: { attempts: 9, backoff: every, retryIf } })
    expect(asked).toEqual([
      [bug, '1', 1],
      [failure, '1', 2],
    ])
    expect(job).toMatchObject({ status: 'FAILED', lastError: 'no disk' })
  })

  it('ends a job as FAILED with both messages where retryIf throws', async () => {
    const retryIf = (): never => {
      throw new Error('oops')
    }
    const { job, calls } = await attemptsOf([new TypeError('x')], { limits: { attempts: 9, retryIf } })
    expect(calls).toHaveLength(1)
    expect(job).toMatchObject({ status: 'FAILED', lastError: 'x; retryIf threw: oops' })
  })

  it('counts a RetryableError, but lets it be tried again however many attempts there were', async () => {
    const again = new RetryableError()
    const { job, calls } = await attemptsOf([again, again, again, failure], {
      limits: { attempts: 2, backoff: every },
    })
    expect(calls.map(({ attempt, isLastAttempt }) => [attempt, isLastAttempt])).toEqual([
      [1, false],
      [2, true],
      [3, true],
      [4, true],
    ])
    expect(job).toMatchObject({ status: 'FAILED', lastError: 'no disk', attemptsDone: 4 })
  })

  it('does not count an attempt that a stop has ended', async () => {
    const fresh = freshWorker(givesUp, { limits: { attempts: 2, backoff: every } })
    await fresh.enqueue('1')
    await (await fresh.run()).stop()
    const script = new ScriptedHandler()
    const next = freshWorker(script.handle, { fresh, limits: { attempts: 2, backoff: every } })
    const { stop } = await next.run()
    await fresh.clock.advance('10s')
    const call = await script.call('1')
    expect(call.job).toMatchObject({ attempt: 1, attemptsDone: 1, isLastAttempt: false })
    call.throw(failure)
    await fresh.clock.advance(0)
    expect(await fresh.queue.get('1')).toMatchObject({ status: 'PENDING', errors: [{ attempt: 1 }] })
    await stop()
  })

  it('does not count a crash', async () => {
    const script = new ScriptedHandler()
    const { queue, clock, enqueue, run } = freshWorker(script.handle, { limits: { attempts: 2 } })
    await enqueue('1')
    await queue.store.claim(['a'], 1, 1)
    await clock.advance(5)
    const { stop } = await run()
    const { job, return: end } = await script.call('1')
    expect(job).toMatchObject({ attempt: 1, crashes: 1, isLastAttempt: false })
    end()
    await stop()
  })
})

it('a kind without attempts has one, and its error is final', async () => {
  const { job, calls } = await attemptsOf([failure], {})
  expect(calls).toMatchObject([{ attempt: 1, isLastAttempt: true }])
  expect(job).toMatchObject({ status: 'FAILED', errors: [{ attempt: 1, message: 'no disk' }] })
})

it('the attempts and backoff of a worker are those of its kinds that have none of their own', async () => {
  const inherited = await attemptsOf([failure], { attempts: 2, backoff: every })
  expect(inherited.job).toMatchObject({ status: 'DONE' })
  expect(inherited.calls[1]!.at).toBeGreaterThanOrEqual(10_000)
  const own = await attemptsOf([failure], { attempts: 5, backoff: backoff('9m'), limits: { attempts: 1 } })
  expect(own.job).toMatchObject({ status: 'FAILED' })
  const waits = await attemptsOf([failure], {
    attempts: 5,
    backoff: backoff('1d'),
    limits: { backoff: every },
  })
  expect(waits.job).toMatchObject({ status: 'DONE' })
})

it('a definition carries the policy of its kind', async () => {
  const fresh = freshWorker(() => {})
  const sync = defineJob({ kind: 'sync', attempts: 2, backoff: every, retryIf: () => true })
  let calls = 0
  const worker = new QueueWorker(fresh.queue).register(sync, () => {
    if (++calls === 1) throw new TypeError('x')
  })
  await worker.enqueue(sync.job({ id: '2' }))
  const { stop } = await fresh.run(worker)
  await fresh.clock.advance('1m')
  expect(await fresh.queue.get('2')).toMatchObject({ status: 'DONE', attemptsDone: 2 })
  await stop()
})

describe('a handler whose deadline has passed', () => {
  const limits = { deadline: '2s', attempts: 2, backoff: every } as const

  async function overdue(options: FreshWorkerOptions = { limits }) {
    const script = new ScriptedHandler()
    const fresh = freshWorker(script.handle, options)
    await fresh.enqueue('1')
    const { stop, abort } = await fresh.run()
    const call = await script.call('1')
    await fresh.clock.advance('2s')
    expect(call.signal.reason).toBeInstanceOf(DeadlineExceededError)
    return { ...fresh, call, stop, abort, script }
  }

  it.each<[string, (call: Awaited<ReturnType<typeof overdue>>['call']) => void, object]>([
    ['its result counts', ({ return: end }) => end('done'), { status: 'DONE', result: 'done' }],
    [
      'its RetryableError counts',
      (call) => call.throw(new RetryableError({ cause: 'busy' })),
      { status: 'PENDING', lastError: 'retryable-error: busy' },
    ],
    [
      'any other error is that of the deadline',
      (call) => call.throw(new TypeError('x')),
      { status: 'PENDING', lastError: 'the deadline of 2000 ms was exceeded' },
    ],
  ])('within 1 s of its abort, %s', async (_, end, expected) => {
    const { call, clock, queue, stop } = await overdue()
    await clock.advance(999)
    end(call)
    await clock.advance(0)
    expect(await queue.get('1')).toMatchObject({ ...expected, attemptsDone: 1 })
    await stop()
  })

  it('has failed 1 s after its abort, is tried again, and changes nothing any more', async () => {
    const { call, clock, queue, stop, script } = await overdue()
    await clock.advance('1s')
    expect(await queue.get('1')).toMatchObject({ status: 'PENDING', attemptsDone: 1 })
    call.return('late')
    await clock.advance('12s')
    expect(script.ids).toEqual(['1', '1'])
    const next = await script.call('1')
    expect(next.job).toMatchObject({ attempt: 2, isLastAttempt: true })
    await clock.advance('3s')
    expect(await queue.get('1')).toMatchObject({
      status: 'FAILED',
      errors: [{ attempt: 1 }, { attempt: 2, message: 'the deadline of 2000 ms was exceeded' }],
    })
    await stop()
  })

  it('has failed by its deadline also where it gives up after a later stop', async () => {
    const { call, clock, queue, stop, abort } = await overdue()
    await abort()
    call.throw(call.signal.reason)
    await clock.advance(0)
    expect(await queue.get('1')).toMatchObject({ lastError: 'the deadline of 2000 ms was exceeded' })
    await stop()
  })
})

it('a handler that gives up because of a stop is no failure, also after its deadline', async () => {
  const script = new ScriptedHandler()
  const { clock, enqueue, run, queue } = freshWorker(script.handle, { limits: { deadline: '2s' } })
  await enqueue('1')
  const { stop, abort } = await run()
  const call = await script.call('1')
  await abort()
  await clock.advance('2s')
  call.throw(call.signal.reason)
  await clock.advance(0)
  const job = await queue.get('1')
  expect(job).toMatchObject({ status: 'PENDING' })
  expect(job?.lastError).toMatch(/^aborted: /)
  await stop()
})
