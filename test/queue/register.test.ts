import { InvalidArgumentError, InvalidDurationError } from 'runutil'
import { ErrInvalidJob, ErrKindExists, JobQueue, MemoryJobStore, QueueWorker, defineJob } from 'runutil/queue'
import { describe, expect, it, test } from 'vitest'
import { describe as shown } from '../../packages/runutil/src/core/describe.ts'
import { failureOf } from '../support/outcome.ts'
import { freshQueue } from '../support/queue/fresh-queue.ts'

type Wrong = [name: string, call: () => unknown, error: Thrown, message: string]
type Thrown = abstract new (...args: never[]) => Error

const worker = (options?: unknown): QueueWorker => new QueueWorker(freshQueue().queue, options as object)
const register = (options: unknown): QueueWorker => worker().register('mail', () => {}, options as object)

describe('refused', () => {
  test.each<Wrong>([
    [
      'a queue without a store',
      () => new JobQueue(undefined as never),
      InvalidArgumentError,
      'JobQueue: expected a JobStore',
    ],
    [
      'a worker on a store',
      () => new QueueWorker(new MemoryJobStore() as never),
      InvalidArgumentError,
      'QueueWorker: expected a JobQueue; got an instance of MemoryJobStore',
    ],
    [
      'a misspelt option',
      () => worker({ concurency: 2 }),
      InvalidArgumentError,
      `QueueWorker: unknown option 'concurency'; did you mean 'concurrency'?`,
    ],
    [
      'options that are a number',
      () => worker(5),
      InvalidArgumentError,
      'QueueWorker: expected an options object',
    ],
    [
      'concurrency 0',
      () => worker({ concurrency: 0 }),
      InvalidArgumentError,
      'QueueWorker: concurrency: expected a whole number from 1 to 2147483647; got 0',
    ],
    ['concurrency 1.5', () => worker({ concurrency: 1.5 }), InvalidArgumentError, 'got 1.5'],
    ['concurrency Infinity', () => worker({ concurrency: Infinity }), InvalidArgumentError, 'got Infinity'],
    [
      'a prefetch below 0',
      () => worker({ prefetch: -1 }),
      InvalidArgumentError,
      'QueueWorker: prefetch: expected a whole number of 0 or more; got -1',
    ],
    [
      'maxCrashes NaN',
      () => worker({ maxCrashes: NaN }),
      InvalidArgumentError,
      'QueueWorker: maxCrashes: expected a whole number',
    ],
    [
      'a lease of 0',
      () => worker({ lease: 0 }),
      InvalidDurationError,
      'QueueWorker: lease: expected more than 0 ms',
    ],
    [
      'a lease that is no duration',
      () => worker({ lease: 'long' }),
      InvalidDurationError,
      'QueueWorker: lease: expected a duration',
    ],
    [
      'a pollInterval below 0',
      () => worker({ pollInterval: -1 }),
      InvalidDurationError,
      'QueueWorker: pollInterval: expected a duration',
    ],
    [
      'a retention that is NaN',
      () => worker({ retention: NaN }),
      InvalidDurationError,
      'QueueWorker: retention: expected a duration',
    ],
    ...[Infinity, 8.64e15, 1e14 + 1].map((retention): [string, () => unknown, Thrown, string] => [
      `a retention of ${retention}`,
      () => worker({ retention }),
      InvalidDurationError,
      `QueueWorker: retention: expected at most 100000000000000 ms, 3,000 years; got ${retention}; to keep jobs forever, pass 'forever'`,
    ]),
    [
      'a retention by outcome that has no end',
      () => worker({ retention: { failed: Infinity } }),
      InvalidDurationError,
      'QueueWorker: retention.failed: expected at most',
    ],
    [
      'a retention by an outcome that there is not',
      () => worker({ retention: { fialed: '1d' } }),
      InvalidArgumentError,
      `QueueWorker: retention: unknown option 'fialed'; did you mean 'failed'?`,
    ],
    [
      'a concurrency that no store counts to',
      () => register({ concurrency: 2 ** 31 }),
      InvalidArgumentError,
      `register('mail'): concurrency: expected a whole number from 1 to 2147483647; got 2147483648`,
    ],
    [
      'a rate per a time that no store can hold',
      () => register({ rate: { limit: 1, per: 8.64e15 } }),
      InvalidDurationError,
      `register('mail'): rate.per: expected at most`,
    ],
    [
      'a misspelt limit',
      () => register({ keyConcurency: 2 }),
      InvalidArgumentError,
      `register('mail'): unknown option 'keyConcurency'; did you mean 'keyConcurrency'?`,
    ],
    [
      'a concurrency of 0',
      () => register({ concurrency: 0 }),
      InvalidArgumentError,
      `register('mail'): concurrency: expected a whole number from 1 to 2147483647; got 0`,
    ],
    [
      'a keyConcurrency that is a text',
      () => register({ keyConcurrency: '1' }),
      InvalidArgumentError,
      `register('mail'): keyConcurrency: expected a whole number`,
    ],
    [
      'a rate that is a number',
      () => register({ rate: 5 }),
      InvalidArgumentError,
      `register('mail'): rate: expected an options object { limit, per }; got 5`,
    ],
    [
      'a misspelt rate',
      () => register({ rate: { limit: 1, pre: '1s' } }),
      InvalidArgumentError,
      `register('mail'): rate: unknown option 'pre'; did you mean 'per'?`,
    ],
    [
      'a rate without a limit',
      () => register({ rate: { per: '1s' } }),
      InvalidArgumentError,
      `register('mail'): rate.limit: expected a whole number from 1 to 2147483647; got undefined`,
    ],
    [
      'a rate over no time',
      () => register({ rate: { limit: 1, per: 0 } }),
      InvalidDurationError,
      `register('mail'): rate.per: expected more than 0 ms`,
    ],
    [
      'a rate without a time',
      () => register({ rate: { limit: 1 } }),
      InvalidDurationError,
      `register('mail'): rate.per: expected a duration`,
    ],
    ...[0, 1.5, '2', Infinity].map((attempts): Wrong => [
      `attempts of ${shown(attempts)}`,
      () => register({ attempts }),
      InvalidArgumentError,
      `register('mail'): attempts: expected a whole number from 1 to 2147483647; got ${shown(attempts)}`,
    ]),
    ...['5s', 5_000, { duration: '5s' }, null].map((wrong): Wrong => [
      `a backoff that is ${shown(wrong)}`,
      () => register({ backoff: wrong }),
      InvalidArgumentError,
      `register('mail'): backoff: expected a Backoff, as backoff('5s') or backoff({ initial: '1s', max: '1m' }); got ${shown(wrong)}`,
    ]),
    ...[true, 'always', /timeout/, class Retry {}].map((wrong): Wrong => [
      `a retryIf that is ${shown(wrong)}`,
      () => register({ retryIf: wrong }),
      InvalidArgumentError,
      `register('mail'): retryIf: expected a function (error, job) => boolean; got`,
    ]),
    [
      'attempts of 0 for all kinds',
      () => worker({ attempts: 0 }),
      InvalidArgumentError,
      'QueueWorker: attempts: expected a whole number from 1 to 2147483647; got 0',
    ],
    [
      'a backoff for all kinds that is a duration',
      () => worker({ backoff: '5s' }),
      InvalidArgumentError,
      'QueueWorker: backoff: expected a Backoff',
    ],
    [
      'a retryIf for all kinds',
      () => worker({ retryIf: () => true }),
      InvalidArgumentError,
      "QueueWorker: unknown option 'retryIf'; it is an option of a kind: give it to register() or defineJob()",
    ],
    [
      "another queue's word for a rate, given to the worker",
      () => worker({ limiter: { max: 1, duration: 1_000 } }),
      InvalidArgumentError,
      "QueueWorker: unknown option 'limiter'; 'rate' is an option of a kind: give it to register() or defineJob()",
    ],
    [
      "another queue's word for the lease",
      () => worker({ lockDuration: 1_000 }),
      InvalidArgumentError,
      "QueueWorker: unknown option 'lockDuration'; did you mean 'lease'?",
    ],
    [
      'a retention of one kind',
      () => register({ retention: '1d' }),
      InvalidArgumentError,
      "register('mail'): unknown option 'retention'; it is an option of the worker: give it to new QueueWorker()",
    ],
    [
      'a retention in a definition',
      () => defineJob({ kind: 'mail', retention: '1d' } as never),
      InvalidArgumentError,
      "defineJob: unknown option 'retention'; it is an option of the worker: give it to new QueueWorker()",
    ],
    [
      'a definition with attempts of 0',
      () => defineJob({ kind: 'mail', attempts: 0 }),
      InvalidArgumentError,
      'defineJob: attempts: expected a whole number from 1 to 2147483647; got 0',
    ],
    [
      'a deadline of 0',
      () => register({ deadline: 0 }),
      InvalidDurationError,
      `register('mail'): deadline: expected more than 0 ms`,
    ],
    [
      'no handler',
      () => worker().register('mail', undefined as never),
      InvalidArgumentError,
      `register('mail'): expected a handler (job, signal) => result; got undefined`,
    ],
    [
      'a class as handler',
      () => worker().register('mail', class Mailer {} as never),
      InvalidArgumentError,
      'got function Mailer',
    ],
    [
      'an empty kind',
      () => worker().register(' ', () => {}),
      ErrInvalidJob,
      `register: kind: expected a string that isn't empty`,
    ],
    [
      'no kind',
      () => worker().register(undefined as never, () => {}),
      ErrInvalidJob,
      'register: kind: expected a string; got undefined',
    ],
    [
      'null as kind',
      () => worker().register(null as never, () => {}),
      ErrInvalidJob,
      'register: kind: expected a string; got null',
    ],
    [
      'a definition without a kind',
      () => worker().register({} as never, () => {}),
      ErrInvalidJob,
      'register: kind: expected a string; got undefined',
    ],
    [
      'a kind that is defined wrongly',
      () => worker().register(defineJob({ kind: '\0' }), () => {}),
      ErrInvalidJob,
      'register: kind: expected text without NUL',
    ],
    [
      'an input that is no schema',
      () => defineJob({ kind: 'mail', input: {} as never }),
      InvalidArgumentError,
      'defineJob: input: expected a Standard Schema, such as one of zod, valibot or arktype; got an object',
    ],
    [
      'an output that is a function',
      () => defineJob({ kind: 'mail', output: String as never }),
      InvalidArgumentError,
      'defineJob: output: expected a Standard Schema',
    ],
    [
      'a misspelt part of a definition',
      () => defineJob({ kind: 'mail', ouput: 1 } as never),
      InvalidArgumentError,
      `defineJob: unknown option 'ouput'; did you mean 'output'?`,
    ],
  ])('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })

  it('a second handler for a kind, however it is written', () => {
    const once = worker().register('mail', () => {})
    for (const again of ['mail', ' MAIL ']) {
      expect(() => once.register(again, () => {})).toThrow(ErrKindExists)
    }
    const error = `a handler for kind 'mail' is registered already; a worker has one for each kind`
    expect(() => once.register(defineJob({ kind: 'mail' }), () => {})).toThrow(error)
  })

  it('a wrong option leaves the kind free', () => {
    const free = worker()
    expect(() => free.register('mail', () => {}, { concurrency: 0 })).toThrow(InvalidArgumentError)
    free.register('mail', () => {})
  })

  it('a run without a kind', async () => {
    const error = await failureOf(worker().run(new AbortController().signal))
    expect(error.message).toBe('QueueWorker: expected at least one kind to run; register one')
  })
})

it('an option that is undefined is its default', () => {
  const options = [
    'concurrency',
    'pollInterval',
    'lease',
    'prefetch',
    'maxCrashes',
    'retention',
    'attempts',
    'backoff',
  ]
  worker(Object.fromEntries(options.map((name) => [name, undefined])))
  register(
    Object.fromEntries(
      ['concurrency', 'keyConcurrency', 'rate', 'deadline', 'attempts', 'backoff', 'retryIf'].map((name) => [
        name,
        undefined,
      ]),
    ),
  )
})
