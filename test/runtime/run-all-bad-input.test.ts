import {
  DuplicateNameError,
  InvalidArgumentError,
  InvalidDurationError,
  type Runnable,
  namedWorker,
  retry,
  backoff,
  runAllJobs,
  runAllWorkers,
} from 'runutil'
import { describe, expect, test, vi } from 'vitest'
import { failureOf, untilAbort } from '../support/outcome.ts'

describe('bad input is rejected with a typed error before anything runs:', () => {
  const job = { runOnce: async () => {} }
  class ForgotNew {
    async run(): Promise<void> {}
  }
  const configurer = { workers: () => [] }

  test.each<[string, unknown, RegExp]>([
    ['no list', undefined, /^runAllWorkers: expected an array or other iterable as workers; got undefined$/],
    ['null', null, /expected an array or other iterable/],
    ['one worker instead of a list', untilAbort, /expected an array or other iterable/],
    ['a string', 'worker', /expected an array or other iterable as workers; got "worker"/],
    ['a hole', [undefined], /^runAllWorkers: workers\[1\]: expected a function .* got undefined$/],
    ['a promise', [Promise.resolve()], /workers\[1\]: expected a function .* an instance of Promise$/],
    ['a number', [5], /workers\[1\]: expected a function .* got 5$/],
    ['a job', [job], /this is a job: wrap it in repeat\(every, job\)$/],
    ['a class', [ForgotNew], /got function ForgotNew$/],
    ['a configurer', [configurer], /pass what its workers\(\) returns$/],
    ['a run that is not a method', [{ run: 5 }], /got an object \{ run \}$/],
    [
      'a declarative worker without a name',
      [{ worker: untilAbort }],
      /workers\[1\]: name: expected a name that isn't empty; got undefined/,
    ],
    ['an empty name', [{ name: ' ', worker: untilAbort }], /name: expected a name that isn't empty; got " "/],
    ['a number as name', [{ name: 5, worker: untilAbort }], /name: expected a name/],
    [
      'a job as declarative worker',
      [{ name: 'a', worker: job }],
      /workers\[1\] \('a'\): worker: .*this is a job/,
    ],
    [
      'a declarative worker without a worker',
      [{ name: 'a', worker: undefined }],
      /\('a'\): worker: expected a function/,
    ],
    [
      'a duration as retry',
      [{ name: 'a', worker: untilAbort, retry: '5s' }],
      /\('a'\): retry: expected a Backoff/,
    ],
    [
      'an unknown key',
      [{ name: 'a', worker: untilAbort, retrry: backoff(5) }],
      /workers\[1\]: unknown option 'retrry'; did you mean 'retry'\?/,
    ],
  ])('%s', async (_, given, message) => {
    const ran = vi.fn()
    const list = Array.isArray(given) ? ([ran, ...(given as unknown[])] as Runnable[]) : (given as Runnable[])
    const error = await failureOf(runAllWorkers(list))
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error.message).toMatch(message)
    expect(ran).not.toHaveBeenCalled()
  })

  test.each<[string, unknown, RegExp]>([
    ['no list', {}, /^runAllJobs: expected an array or other iterable as jobs; got/],
    ['a worker', [{ run: untilAbort }], /^runAllJobs: jobs\[1\]: .*this is a worker: it needs no repeating$/],
    ['null', [null], /jobs\[1\]: expected a function .* got null$/],
    ['a class', [ForgotNew], /got function ForgotNew$/],
  ])('as jobs, %s', async (_, given, message) => {
    const ran = vi.fn()
    const list = Array.isArray(given) ? [ran, ...(given as [])] : (given as never)
    const error = await failureOf(runAllJobs(list))
    expect(error).toBeInstanceOf(InvalidArgumentError)
    expect(error.message).toMatch(message)
    expect(ran).not.toHaveBeenCalled()
  })

  const runs = { runAllWorkers, runAllJobs }
  describe.each(Object.entries(runs))('%s', (what, run) => {
    test.each<[string, unknown[], RegExp]>([
      ['an unknown option', [undefined, { grce: 5 }], /unknown option 'grce'; did you mean 'grace'\?/],
      [
        'no options object',
        [undefined, 5],
        /expected an options object \{ logger, clock, grace, runtime \}; got 5/,
      ],
      [
        'a controller as signal',
        [new AbortController()],
        /expected an AbortSignal; got an instance of AbortController/,
      ],
      ['options as signal', [{ grace: 5 }], /expected an AbortSignal; got an object \{ grace \}/],
      ['null as signal', [null], /expected an AbortSignal; got null/],
      ['console as logger', [undefined, { logger: { info() {} } }], /expected a pino logger/],
      ['Date as clock', [undefined, { clock: Date }], /expected a Clock; got function Date/],
    ])('%s', async (_, given, message) => {
      const ran = vi.fn()
      const error = await failureOf(run([ran], ...(given as [])))
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(error.message).toMatch(new RegExp(`^${what}: `))
      expect(error.message).toMatch(message)
      expect(ran).not.toHaveBeenCalled()
    })

    test.each([NaN, -1, Infinity, '', 'soon', null, {}])('a grace of %o', async (grace) => {
      const ran = vi.fn()
      const error = await failureOf(run([ran], undefined, { grace: grace as never }))
      expect(error).toBeInstanceOf(InvalidDurationError)
      expect(error.message).toMatch(new RegExp(`^${what}: grace: expected a duration`))
      expect(ran).not.toHaveBeenCalled()
    })
  })

  test.each<[string, (ran: () => void) => Runnable[]]>([
    ['named', (ran) => [namedWorker(ran, 'a'), namedWorker(ran, 'a')]],
    [
      'declared',
      (ran) => [
        { name: 'a', worker: ran },
        { name: 'a', worker: ran },
      ],
    ],
    ['named and declared', (ran) => [namedWorker(ran, 'a'), { name: 'a', worker: ran }]],
    ['retried', (ran) => [retry(namedWorker(ran, 'a'), backoff(5)), namedWorker(ran, 'a')]],
  ])('the same name twice, %s', async (_, workers) => {
    const ran = vi.fn()
    const error = await failureOf(runAllWorkers(workers(ran)))
    expect(error).toBeInstanceOf(DuplicateNameError)
    expect(error).toMatchObject({ worker: 'a', message: expect.stringContaining("named 'a'") as string })
    expect(ran).not.toHaveBeenCalled()
  })

  test('the same name at different levels is accepted', async () => {
    const stop = new AbortController()
    const run = runAllWorkers(
      [
        namedWorker(namedWorker(untilAbort, 'x'), 'a'),
        namedWorker(namedWorker(untilAbort, 'x'), 'b'),
        namedWorker(untilAbort, 'x'),
      ],
      stop.signal,
    )
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })

  test('instances with properties called worker and name may share their name', async () => {
    class Relay {
      name = 'relay'
      worker = {}
      run = untilAbort
    }
    const stop = new AbortController()
    const run = runAllWorkers([new Relay(), new Relay()], stop.signal)
    stop.abort()
    await expect(run).resolves.toBeUndefined()
  })
})
