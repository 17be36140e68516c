import { container } from 'tsyringe'
import { describe, expect, it } from 'vitest'
import {
  DuplicateNameError,
  InvalidArgumentError,
  InvalidDurationError,
  backoff,
  namedWorker,
  provideWorker,
  repeat,
  retry,
  retryJob,
  runAllJobs,
  runAllWorkers,
  runProvidedWorkers,
  shutdownSignal,
  wait,
} from 'runutil'

const idle = (signal: AbortSignal): Promise<void> => wait('1h', signal)
const job = (): void => {}

describe('durations', () => {
  const bad = [NaN, -1, Infinity, '', 'soon', '-5s', 'x'.repeat(200), null, undefined, {}, true] as never[]
  const takers: Record<string, (duration: never) => unknown> = {
    wait: (duration) => wait(duration),
    repeat: (duration) => repeat(duration, job),
    'backoff: initial': (duration) => backoff({ initial: duration, max: '1s' }),
    'backoff: max': (duration) => backoff({ initial: '1s', max: duration }),
  }
  it.each(Object.entries(takers))('%s rejects invalid ones at the call', (name, take) => {
    for (const duration of bad) {
      expect(() => take(duration)).toThrow(InvalidDurationError)
      expect(() => take(duration)).toThrow(RangeError)
      expect(() => take(duration)).toThrow(new RegExp(`^${name}: expected a duration of 0 or more`))
    }
  })

  it('repeat rejects an interval of zero', () => {
    expect(() => repeat(0, job)).toThrow(/^repeat: expected more than 0 ms; got 0/)
    expect(() => repeat('0s', job)).toThrow(InvalidDurationError)
  })

  it('an invalid grace or delay is rejected', async () => {
    await expect(runAllWorkers([idle], undefined, { grace: -1 })).rejects.toThrow(
      /^runAllWorkers: grace: expected a duration/,
    )
    expect(() => shutdownSignal({ delay: 'later' })).toThrow(/^shutdownSignal: delay: expected a duration/)
  })
})

describe('a worker or job', () => {
  class Service {
    async run(): Promise<void> {}
  }
  const notWorkers: [string, unknown, RegExp][] = [
    ['null', null, /expected a function \(signal\) => Promise or an object with run\(signal\); got null/],
    ['a number', 7, /got 7/],
    ['a promise', Promise.resolve(), /got an instance of Promise/],
    ['a job', { runOnce: job }, /this is a job: wrap it in repeat/],
    ['a configurer', { workers: () => [] }, /pass what its workers\(\) returns/],
    ['a class', Service, /got function Service/],
  ]

  it.each(notWorkers)('cannot be %s, which is rejected before any worker starts', async (_, worker, says) => {
    let started = false
    const first = (signal: AbortSignal): Promise<void> => ((started = true), idle(signal))
    const run = runAllWorkers([first, worker as never])
    await expect(run).rejects.toThrow(InvalidArgumentError)
    await expect(run).rejects.toThrow(/^runAllWorkers: workers\[1\]: /)
    await expect(run).rejects.toThrow(says)
    expect(() => retry(worker as never, backoff(1))).toThrow(says)
    expect(() => namedWorker(worker as never, 'name')).toThrow(says)
    expect(started).toBe(false)
  })

  it.each<[string, object, RegExp]>([
    [
      'without a name',
      { worker: idle },
      /workers\[0\]: name: expected a name that isn't empty; got undefined/,
    ],
    ['with an empty name', { name: ' ', worker: idle }, /name: expected a name that isn't empty; got " "/],
    [
      'without a worker',
      { name: 'a', worker: undefined },
      /workers\[0\] \('a'\): worker: expected a function/,
    ],
    [
      'with an interval as retry',
      { name: 'a', worker: idle, retry: '5s' },
      /retry: expected a Backoff, as backoff\('5s'\)/,
    ],
    [
      'with a misspelt key',
      { name: 'a', worker: idle, retyr: backoff(1) },
      /unknown option 'retyr'; did you mean 'retry'\?/,
    ],
  ])('is not a declarative worker %s', async (_, worker, says) => {
    await expect(runAllWorkers([worker as never])).rejects.toThrow(says)
  })

  it('cannot be a worker where a job is expected', async () => {
    expect(() => repeat(1, { run: idle } as never)).toThrow(
      /repeat: expected a function .* runOnce\(signal\).*this is a worker/,
    )
    expect(() => retryJob(7 as never, backoff(1))).toThrow(/retryJob: expected a function/)
    await expect(runAllJobs([job, {} as never])).rejects.toThrow(/runAllJobs: jobs\[1\]: expected a function/)
  })

  it('is a list', async () => {
    await expect(runAllWorkers(idle as never)).rejects.toThrow(
      /expected an array or other iterable as workers; got function idle/,
    )
    await expect(runAllWorkers(undefined as never)).rejects.toThrow(/got undefined/)
  })

  it('has a unique name in its group', async () => {
    const twice = [1, 2].map(() => ({ name: 'same', worker: idle }))
    await expect(runAllWorkers(twice)).rejects.toThrow(DuplicateNameError)
    await expect(runAllWorkers(twice)).rejects.toThrow(/two workers of this group are named 'same'/)
  })
})

describe('options and other arguments', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'repeat',
      () => repeat(1, job, { startImmediatly: true } as never),
      /unknown option 'startImmediatly'; did you mean 'startImmediately'\?/,
    ],
    ['backoff', () => backoff({ inital: 1, max: 2 } as never), /did you mean 'initial'\?/],
    [
      'jitter',
      () => backoff({ initial: 1, max: 2, jitterProportion: 1.5 }),
      /jitterProportion of 0 to 1; got 1.5/,
    ],
    ['jitter that is NaN', () => backoff({ initial: 1, max: 2, jitterProportion: NaN }), /got NaN/],
    ['retry', () => retry(idle, {} as never), /retry: expected a Backoff/],
    [
      'signals',
      () => shutdownSignal({ signals: ['TERM'] as never }),
      /expected signal names such as \['SIGTERM'\]/,
    ],
    ['provideWorker', () => provideWorker(container, (() => {}) as never), /provideWorker: expected a class/],
    [
      'its container',
      () =>
        provideWorker(
          {} as never,
          class {
            workers = () => []
          },
        ),
      /provideWorker: expected a tsyringe container/,
    ],
  ])('%s says what it expected', (_, call, says) => {
    expect(call).toThrow(says)
  })

  it.each<[string, object, RegExp]>([
    ['clock', { clock: Date }, /expected a Clock/],
    ['logger', { logger: 'stdout' }, /expected a pino logger; got "stdout"/],
    ['unknown', { gracee: 1 }, /unknown option 'gracee'; did you mean 'grace'\?/],
  ])('a run says what it expected: %s', async (_, options, says) => {
    await expect(runAllWorkers([idle], undefined, options as never)).rejects.toThrow(says)
  })

  it('a run without a signal or a container says so', async () => {
    await expect(runAllWorkers([idle], {} as never)).rejects.toThrow(/expected an AbortSignal/)
    await expect(runProvidedWorkers({} as never)).rejects.toThrow(/expected a tsyringe container/)
  })
})
