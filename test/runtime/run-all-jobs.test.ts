import { WorkerGroupError, runAllJobs, wait } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test, vi } from 'vitest'
import { failureOf, untilAbort } from '../support/outcome.ts'

describe('runAllJobs', () => {
  test('runs all jobs in parallel, and cancels none if one fails', async () => {
    const clock = new VirtualClock({ auto: true })
    const ended: string[] = []
    const job = (name: string, ms: number) => async (signal: AbortSignal) => {
      await wait(ms, signal)
      ended.push(`${name} at ${clock.elapsed()}${signal.aborted ? ' aborted' : ''}`)
      if (name.startsWith('bad')) throw new Error(name)
    }
    const jobs = [job('slow', 300), job('bad 1', 20), job('bad 2', 10), { runOnce: job('object', 100) }]
    const error = await failureOf<WorkerGroupError>(runAllJobs(jobs, undefined, { clock }))
    expect(ended).toEqual(['bad 2 at 10', 'bad 1 at 20', 'object at 100', 'slow at 300'])
    expect(error).toBeInstanceOf(WorkerGroupError)
    expect(error.errors.map(({ message }) => message)).toEqual(['bad 2', 'bad 1'])
    expect(error.workers).toEqual(['/#2', '/#1'])
  })

  test('resolves if all succeed', async () => {
    const ran = vi.fn()
    await expect(runAllJobs([ran, { runOnce: async () => void ran() }])).resolves.toBeUndefined()
    expect(ran).toHaveBeenCalledTimes(2)
  })

  test('passes the abort on to its jobs, and counts a return after it as success', async () => {
    const stop = new AbortController()
    const reason = new Error('stop')
    const seen: unknown[] = []
    const job = async (signal: AbortSignal): Promise<void> => {
      await untilAbort(signal)
      seen.push(signal.reason)
    }
    const run = runAllJobs([job, job], stop.signal)
    stop.abort(reason)
    await run
    expect(seen).toEqual([reason, reason])
  })

  test('counts a job that throws the reason of the abort as failed', async () => {
    const stop = new AbortController()
    const run = runAllJobs(
      [async (signal) => untilAbort(signal).then(() => signal.throwIfAborted())],
      stop.signal,
    )
    const reason = new Error('stop')
    stop.abort(reason)
    expect((await failureOf<WorkerGroupError>(run)).errors).toEqual([reason])
  })

  test('starts nothing if the signal has aborted, and rejects with the reason for each job', async () => {
    const body = vi.fn()
    const reason = new Error('too late')
    const run = runAllJobs([body, { runOnce: body }, body], AbortSignal.abort(reason))
    const error = await failureOf<WorkerGroupError>(run)
    expect(body).not.toHaveBeenCalled()
    expect(error.errors).toEqual([reason, reason, reason])
    expect(error.workers).toHaveLength(3)
  })

  test('handles a synchronous throw and a non-Error as failures of that job only', async () => {
    const jobs = [
      () => {
        throw new Error('sync')
      },
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is the point
      () => Promise.reject('text'),
      async () => {},
    ]
    const { errors } = await failureOf<WorkerGroupError>(runAllJobs(jobs))
    expect(errors.map(({ message }) => message)).toEqual(['sync', 'a non-Error was thrown: "text"'])
    expect(errors[1]).toHaveProperty('cause', 'text')
  })
})
