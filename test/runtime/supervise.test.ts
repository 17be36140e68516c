import {
  InvalidArgumentError,
  RestartLimitError,
  type Runnable,
  type SuperviseOptions,
  WorkerGroupError,
  WorkerHungError,
  backoff,
  runAllWorkers,
  supervise,
  wait,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf, untilAbort } from '../support/outcome.ts'
import { named } from '../support/runtime/observed-run.ts'

const { logger } = capturedLogger()
logger.level = 'silent'

/** Records starts and ends of workers, with the time. */
class Notes {
  readonly clock = new VirtualClock({ auto: true })
  readonly lines: string[] = []

  note(what: string): void {
    this.lines.push(`${this.clock.elapsed()} ${what}`)
  }

  /** A worker that throws or returns some time after each start, and takes `stops` ms to stop. */
  worker(name: string, exits: { throws?: number; returns?: number; stops?: number; once?: boolean } = {}) {
    let starts = 0
    return async (signal: AbortSignal): Promise<void> => {
      this.note(`+${name}`)
      starts++
      const exitAt = exits.once === true && starts > 1 ? undefined : (exits.throws ?? exits.returns)
      await wait(exitAt ?? '1d', signal)
      if (signal.aborted) await wait(exits.stops ?? 0)
      this.note(`-${name}`)
      if (!signal.aborted && exits.throws !== undefined) throw new Error(`${name} fails`)
    }
  }

  run(workers: Runnable[], forMs: number, grace?: number): Promise<void> {
    const stop = new AbortController()
    this.clock.setTimeout(() => stop.abort(), forMs)
    return runAllWorkers(workers, stop.signal, { clock: this.clock, logger, grace })
  }
}

describe('a failure restarts', () => {
  test.each<[SuperviseOptions['strategy'], string[]]>([
    ['one_for_one', ['100 -B', '150 +B']],
    ['rest_for_one', ['100 -B', '110 -D', '120 -C', '150 +B', '150 +C', '150 +D']],
    ['one_for_all', ['100 -B', '110 -D', '120 -C', '130 -A', '150 +A', '150 +B', '150 +C', '150 +D']],
  ])('by %s', async (strategy, restart) => {
    const notes = new Notes()
    const workers = ['A', 'B', 'C', 'D'].map((name) =>
      named(name, notes.worker(name, { stops: 10, once: true, ...(name === 'B' && { throws: 100 }) })),
    )
    await notes.run([supervise(workers, { strategy, retry: backoff(50) })], 1_000)
    const [, , , , ...rest] = notes.lines
    expect(rest.slice(0, restart.length)).toEqual(restart)
    expect(rest.slice(restart.length).every((line) => line.startsWith('1010 -'))).toBe(true)
    expect(notes.clock.pending).toBe(0)
  })

  test('once at the later time and with all affected workers if another one comes meanwhile', async () => {
    const notes = new Notes()
    const workers = [
      named('A', notes.worker('A', { throws: 120, once: true }), { retry: backoff(200) }),
      named('B', notes.worker('B', { throws: 100, once: true }), { retry: backoff(50) }),
      named('C', notes.worker('C')),
    ]
    const intensity = { restarts: 1, within: '10s' }
    await notes.run([supervise(workers, { strategy: 'rest_for_one', intensity })], 1_000)
    expect(notes.lines.slice(3, 9)).toEqual(['100 -B', '100 -C', '120 -A', '320 +A', '320 +B', '320 +C'])
  })

  test('no temporary worker and none beside it, and a transient one only if it throws', async () => {
    const notes = new Notes()
    const workers = [
      named('Temporary', notes.worker('Temporary', { throws: 10 }), { restart: 'temporary' }),
      named('Done', notes.worker('Done', { returns: 10 }), { restart: 'transient' }),
      named('Again', notes.worker('Again', { throws: 20, once: true }), { restart: 'transient' }),
    ]
    await notes.run([supervise(workers, { retry: backoff(30) })], 100)
    expect(notes.lines.slice(3)).toEqual([
      '10 -Temporary',
      '10 -Done',
      '20 -Again',
      '50 +Again',
      '100 -Again',
    ])
  })

  test('a transient worker that is done together with others, but no temporary one', async () => {
    const notes = new Notes()
    const workers = [
      named('Temporary', notes.worker('Temporary'), { restart: 'temporary' }),
      named('Done', notes.worker('Done', { returns: 10 }), { restart: 'transient' }),
      named('Fails', notes.worker('Fails', { throws: 20, once: true })),
    ]
    await notes.run([supervise(workers, { strategy: 'one_for_all', retry: backoff(0) })], 25)
    expect(notes.lines.slice(3, 8)).toEqual([
      '10 -Done',
      '20 -Fails',
      '20 -Temporary',
      '20 +Done',
      '20 +Fails',
    ])
  })
})

describe('the group ends', () => {
  test('when all workers are done', async () => {
    const notes = new Notes()
    const workers = [
      named('A', notes.worker('A', { returns: 10 }), { restart: 'transient' }),
      named('B', notes.worker('B', { throws: 20 }), { restart: 'temporary' }),
    ]
    await notes.run(workers, 1_000)
    expect(notes.clock.elapsed()).toBeLessThan(1_001)
    expect(notes.lines.slice(2)).toEqual(['10 -A', '20 -B'])
  })

  test('with an error that says so if retryIf is async, which would retry every error', async () => {
    const clock = new VirtualClock({ auto: true })
    const down = new Error('down')
    const retryIf = (async () => raise()) as never
    const worker = named('A', () => Promise.reject(down), { retry: backoff(1), retryIf })
    const { errors } = await failureOf<WorkerGroupError>(
      runAllWorkers([worker], undefined, { clock, logger }),
    )
    expect(errors).toEqual([expect.any(InvalidArgumentError)])
    expect(errors[0]).toMatchObject({
      cause: down,
      message: expect.stringMatching(/^\/A: retryIf: .*a promise/) as unknown,
    })
  })

  test('asks retryIf about what was thrown, whatever that is', async () => {
    const clock = new VirtualClock({ auto: true })
    const thrown = { code: 'BAD_CREDENTIALS' } as unknown as Error
    const asked: unknown[] = []
    const retryIf = (error: unknown): boolean => asked.push(error) === 0
    const worker = named('A', () => Promise.reject(thrown), {
      retry: backoff(1),
      retryIf,
    })
    await failureOf(runAllWorkers([worker], undefined, { clock, logger }))
    expect(asked).toEqual([thrown])
  })

  test('with an error that retryIf does not retry, or throws for', async () => {
    for (const retryIf of [(error: unknown) => (error as Error).message !== 'A fails', () => raise()]) {
      const notes = new Notes()
      const worker = named('A', notes.worker('A', { throws: 10 }), { retry: backoff(1), retryIf })
      const { errors } = await failureOf<WorkerGroupError>(notes.run([worker, untilAbort], 1_000))
      expect(errors.map(({ message }) => message)).toEqual(['A fails'])
      expect(notes.lines).toEqual(['0 +A', '10 -A'])
    }
  })

  test('at the first failure beyond the intensity, whose count a restart of the supervisor resets', async () => {
    const notes = new Notes()
    const intensity = { restarts: 2, within: '1s' }
    const inner = supervise([named('A', notes.worker('A', { throws: 10 }))], { retry: backoff(0), intensity })
    const outer = named('Sup', inner, { retry: backoff(100), intensity: { restarts: 1, within: '1h' } })
    const { errors } = await failureOf<WorkerGroupError>(notes.run([outer], 3_600_000))
    expect(notes.lines.filter((line) => line.includes('+'))).toEqual([
      '0 +A',
      '10 +A',
      '20 +A',
      '130 +A',
      '140 +A',
      '150 +A',
    ])
    const [error] = errors as [RestartLimitError]
    expect(error).toMatchObject({ worker: '/Sup', restarts: 1, withinMs: 3_600_000 })
    expect(error.cause).toBeInstanceOf(RestartLimitError)
    expect((error.cause as Error).cause).toMatchObject({ message: 'A fails' })
  })

  test('after counting the restarts in (now − within, now]', async () => {
    const notes = new Notes()
    const rules = { retry: backoff(0), intensity: { restarts: 1, within: 100 } }
    await notes.run([named('A', notes.worker('A', { throws: 100 }), rules)], 1_050)
    expect(notes.lines.filter((line) => line.includes('+'))).toHaveLength(11)
    const close = new Notes()
    await failureOf(close.run([named('A', close.worker('A', { throws: 99 }), rules)], 1_050))
    expect(close.lines.filter((line) => line.includes('+'))).toHaveLength(2)
  })

  test('with a WorkerHungError, despite any retry, if a worker cannot be stopped for a restart', async () => {
    const notes = new Notes()
    const workers = [
      named('Fails', notes.worker('Fails', { throws: 100 })),
      named('Stuck', () => new Promise(() => {}), { stopTimeout: '2s' }),
    ]
    const inner = supervise(workers, { strategy: 'one_for_all', retry: backoff(0) })
    const outer = supervise([named('Inner', inner), named('Other', notes.worker('Other'))])
    const { errors } = await failureOf<WorkerGroupError>(notes.run([named('Outer', outer)], 10_000))
    expect(errors).toEqual([expect.any(WorkerHungError)])
    expect(errors[0]).toMatchObject({ worker: '/Outer/Inner/Stuck', forMs: 2_000 })
    expect(notes.lines.at(-1)).toBe('2100 -Other')
  })
})

function raise(): never {
  throw new Error('in retryIf')
}

test('a supervisor keeps running without workers, and when all are done', async () => {
  const notes = new Notes()
  await notes.run([supervise([]), supervise([named('A', () => {}, { restart: 'transient' })])], 500)
  expect(notes.clock.elapsed()).toBe(500)
})

describe('is rejected before anything runs:', () => {
  const fails = backoff('1s')
  test.each<[string, () => unknown, RegExp]>([
    [
      'an unknown strategy',
      () => supervise([], { strategy: 'all' as never }),
      /strategy: expected 'one_for_one'/,
    ],
    [
      'an unknown restart type',
      () => supervise([named('A', untilAbort, { restart: 'never' as never })]),
      /restart: expected/,
    ],
    [
      'temporary with retry',
      () => supervise([named('A', untilAbort, { restart: 'temporary', retry: fails })]),
      /a temporary worker is never restarted/,
    ],
    [
      'an unreachable limit',
      () => supervise([named('A', untilAbort)], { retry: fails, intensity: { restarts: 11, within: '10s' } }),
      /got 11 within 10000 ms, but the delays before 11 restarts take at least 11000 ms/,
    ],
    [
      'an unreachable limit with a growing delay',
      () =>
        supervise([named('A', untilAbort)], {
          retry: backoff({ initial: '1s', max: '1m', jitterProportion: 0.5 }),
          intensity: { restarts: 10, within: '1m' },
        }),
      /take at least/,
    ],
    ['a watchdog of 0', () => supervise([named('A', untilAbort, { watchdog: 0 })]), /watchdog/],
    [
      'an unknown field',
      () => supervise([{ ...named('A', untilAbort), retrys: 1 } as never]),
      /did you mean 'retry'/,
    ],
    [
      'a retryIf that is not a function',
      () => supervise([named('A', untilAbort, { retryIf: 1 as never })]),
      /retryIf: expected a function/,
    ],
    [
      'a fractional number of restarts',
      () => supervise([], { intensity: { restarts: 1.5, within: '1m' } }),
      /restarts: expected a whole number of 0 or more; got /,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message)
  })

  test('an intensity without a retry', async () => {
    const entry = named('A', untilAbort, { intensity: { restarts: 1, within: '1m' } })
    await expect(runAllWorkers([entry])).rejects.toThrow(InvalidArgumentError)
    expect(() => supervise([entry])).not.toThrow()
  })

  test('but not a limit that several workers reach together', () => {
    const workers = [named('A', untilAbort), named('B', untilAbort)]
    expect(() =>
      supervise(workers, { retry: fails, intensity: { restarts: 15, within: '10s' } }),
    ).not.toThrow()
  })
})
