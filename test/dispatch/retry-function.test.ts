import {
  RetriesExhaustedError,
  TaskRetryError,
  equivalentAction,
  needsRetry,
  retryFunction,
} from 'runutil/dispatch'
import { runAllJobs } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../support/outcome.ts'

describe('needsRetry', () => {
  it.each<[string, string[], boolean]>([
    ['exec: text file busy', [], true],
    ['the device is offline', [], false],
    ['the device is offline', ['offline'], true],
    ['the device is offline', ['online', 'device is'], true],
    ['', [], false],
  ])('of %j with %j: %s', (reason, strings, asks) => {
    const error = needsRetry(reason, ...strings)
    expect(error instanceof TaskRetryError).toBe(asks)
    if (asks) expect(error).toMatchObject({ reason, message: `Try again: ${reason}` })
    else expect(error).toBeUndefined()
  })
})

describe('retryFunction', () => {
  /** What comes of a task that does these things in turn, and when it was called. */
  async function outcomeOf(max: number, results: (Error | undefined)[], abortAfterMs?: number) {
    const clock = new VirtualClock()
    const calls: number[] = []
    const stop = new AbortController()
    let outcome: unknown = 'done'
    const task = async (): Promise<void> => {
      const result = results[calls.length]
      calls.push(clock.elapsed())
      if (result !== undefined) throw result
    }
    const run = runAllJobs(
      [
        async () => {
          const retried = retryFunction(max, '1s', task, { signal: stop.signal })
          outcome = await retried.then(
            () => 'done',
            (error: unknown) => error,
          )
        },
      ],
      undefined,
      { clock },
    )
    await clock.advance(abortAfterMs ?? 0)
    if (abortAfterMs !== undefined) stop.abort(new Error('stopped'))
    await clock.advance('1m')
    await run
    expect(clock.pending).toBe(0)
    return { calls, outcome }
  }
  const again = new TaskRetryError('busy')

  it('calls once what succeeds', async () => {
    expect(await outcomeOf(3, [undefined])).toEqual({ calls: [0], outcome: 'done' })
  })
  it('calls again what asks for it, after the delay', async () => {
    expect(await outcomeOf(3, [again, again, undefined])).toEqual({
      calls: [0, 1_000, 2_000],
      outcome: 'done',
    })
  })
  it('gives up after so many, and says how many and why', async () => {
    const { calls, outcome } = await outcomeOf(2, [again, again, undefined])
    expect(calls).toEqual([0, 1_000])
    expect(outcome).toBeInstanceOf(RetriesExhaustedError)
    expect(outcome).toMatchObject({ attempts: 2, cause: again, message: 'gave up after 2 attempts: busy' })
  })
  it('passes other errors on', async () => {
    const other = new Error('broken')
    expect(await outcomeOf(3, [again, other])).toEqual({ calls: [0, 1_000], outcome: other })
  })
  it('stops on abort, with its reason', async () => {
    const { calls, outcome } = await outcomeOf(9, [again, again, again], 1_500)
    expect(calls).toEqual([0, 1_000])
    expect(outcome).toEqual(new Error('stopped'))
  })
  it.each<[string, () => Promise<void>, string]>([
    [
      'no attempts',
      () => retryFunction(0, 1, () => {}),
      'maxAttempts: expected a whole number of 1 or more; got 0',
    ],
    ['a bad delay', () => retryFunction(1, 'soon', () => {}), 'retryFunction: delay: expected a duration'],
    ['no task', () => retryFunction(1, 1, 'x' as never), 'expected a function () => Promise; got "x"'],
    [
      'an unknown option',
      () => retryFunction(1, 1, () => {}, { sginal: 1 } as never),
      "did you mean 'signal'?",
    ],
  ])('rejects %s', async (_, call, message) => {
    expect((await failureOf(call())).message).toContain(message)
  })
})

describe('equivalentAction', () => {
  const action = {
    id: '1',
    operation: 'o',
    host: 'h',
    target: 't',
    input: { a: [1] },
    status: 'running' as const,
    createdAt: new Date(1),
    updatedAt: new Date(1),
  }
  it.each([
    [{}, true],
    [{ id: '2', status: 'failed' as const, createdAt: new Date(2) }, true],
    [{ input: { a: [1] } }, true],
    [{ input: { a: [2] } }, false],
    [{ host: 'other' }, false],
    [{ target: 'other' }, false],
  ])('with %j: %s', (given, equivalent) => {
    expect(equivalentAction(action, { ...action, ...given })).toBe(equivalent)
  })
})
