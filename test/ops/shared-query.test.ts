import { InvalidArgumentError } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { describe, expect, test } from 'vitest'
import { SharedQueries } from '../../packages/runutil/src/ops/views/shared-queries.ts'
import { type Answer, SharedQuery } from '../../packages/runutil/src/ops/views/shared-query.ts'

interface Call {
  readonly signal: AbortSignal
  answer(value: number): void
  fail(error: Error): void
}

/** A query whose answers a test gives. */
function scripted() {
  const clock = new VirtualClock({ now: 0 })
  const calls: Call[] = []
  const query = (signal: AbortSignal): Promise<number> =>
    new Promise((resolve, reject) => calls.push({ signal, answer: resolve, fail: reject }))
  return { clock, calls, query, shared: new SharedQuery({ clock, what: 'things', query }) }
}

/** Settled, so that a rejection is never unhandled. */
async function outcome(asked: Promise<Answer<number>>): Promise<unknown> {
  return asked.catch((error: unknown) => error)
}

async function known(script: ReturnType<typeof scripted>, value: number): Promise<void> {
  const asked = script.shared.ask()
  await script.clock.advance(0)
  script.calls.at(-1)!.answer(value)
  await asked
}

test('nothing is asked before somebody asks, and one query serves all who ask meanwhile and for 2 s', async () => {
  const script = scripted()
  const { clock, calls, shared } = script
  await clock.advance('1h')
  expect(calls).toHaveLength(0)
  const asked = [shared.ask(), shared.ask()]
  await clock.advance(300)
  expect(calls).toHaveLength(1)
  calls[0]!.answer(1)
  const at = '1970-01-01T01:00:00.000Z'
  expect(await Promise.all(asked)).toEqual([1, 2].map(() => ({ value: 1, at, ageMs: 300 })))
  await clock.advance(1_699)
  expect(await shared.ask()).toEqual({ value: 1, at, ageMs: 1_999 })
  expect(calls).toHaveLength(1)
  await clock.advance(1)
  await known(script, 2)
  expect(calls).toHaveLength(2)
  expect((await shared.ask()).value).toBe(2)
  expect(clock.pending).toBe(0)
})

test('after 2 s the last answer stands with its age, and the signal of the query aborts', async () => {
  const script = scripted()
  const { clock, calls, shared } = script
  await known(script, 1)
  await clock.advance(5_000)
  const asked = shared.ask()
  await clock.advance(2_000)
  expect(await asked).toMatchObject({ value: 1, ageMs: 7_000 })
  expect(calls[1]!.signal.aborted).toBe(true)
})

test('after failures the next tries come 4, 8, 16, 32 and then 60 s later, and an answer begins anew', async () => {
  const script = scripted()
  const { clock, calls, shared } = script
  await known(script, 1)
  await clock.advance(2_000)
  /** Asks each second until a query comes. */
  const untilAsked = async (): Promise<number> => {
    const before = calls.length
    for (let seconds = 0; ; seconds++) {
      const asked = shared.ask()
      await clock.advance(0)
      if (calls.length > before) {
        calls.at(-1)!.fail(new Error('away'))
        expect((await asked).value).toBe(1)
        return seconds
      }
      expect((await asked).value).toBe(1)
      await clock.advance(1_000)
    }
  }
  const delays: number[] = []
  for (let tries = 0; tries < 7; tries++) delays.push(await untilAsked())
  expect(delays).toEqual([0, 4, 8, 16, 32, 60, 60])
  await clock.advance('1m')
  await known(script, 2)
  await clock.advance(2_000)
  expect(await untilAskedOnce(script)).toBe(true)
  await clock.advance(4_000)
  expect(await untilAskedOnce(script)).toBe(true)
})

async function untilAskedOnce({ clock, calls, shared }: ReturnType<typeof scripted>): Promise<boolean> {
  const before = calls.length
  const asked = shared.ask()
  await clock.advance(0)
  calls[before]?.fail(new Error('away'))
  await asked
  return calls.length === before + 1
}

test('without any answer, asking is an error that says why, not an empty list', async () => {
  const { clock, calls, shared } = scripted()
  const asked = outcome(shared.ask())
  await clock.advance(0)
  calls[0]!.fail(new Error('connection refused'))
  const error = { status: 503, message: expect.stringContaining('connection refused') as string }
  expect(await asked).toMatchObject(error)
  expect(await outcome(shared.ask())).toMatchObject(error)
  expect(calls).toHaveLength(1)
})

test('while a query that was given up is still on, no other is sent for a minute, and its late answer is ignored', async () => {
  const script = scripted()
  const { clock, calls, shared } = script
  await known(script, 1)
  await clock.advance(2_000)
  const late = shared.ask()
  await clock.advance(2_000)
  await late
  await clock.advance(57_000)
  expect(await shared.ask()).toMatchObject({ value: 1 })
  expect(calls).toHaveLength(2)
  calls[1]!.answer(99)
  await clock.advance(0)
  await known(script, 3)
  expect(await shared.ask()).toMatchObject({ value: 3 })
})

test('a query that never ends is given up for good after a minute', async () => {
  const script = scripted()
  const { clock, calls, shared } = script
  const first = outcome(shared.ask())
  await clock.advance('1m')
  await first
  const second = shared.ask()
  await clock.advance(0)
  calls[1]!.answer(2)
  expect(await second).toMatchObject({ value: 2 })
})

test('what the query says about wrong arguments is for who asked, and delays nothing', async () => {
  const { clock, calls, shared } = scripted()
  const asked = outcome(shared.ask())
  await clock.advance(0)
  calls[0]!.fail(new InvalidArgumentError('limit: expected less'))
  expect(await asked).toBeInstanceOf(InvalidArgumentError)
  const again = shared.ask()
  await clock.advance(0)
  calls[1]!.answer(1)
  expect(await again).toMatchObject({ value: 1 })
})

test('queries that differ run one at a time too, the last 20 are remembered, and no more than 20 wait', async () => {
  const { clock, calls, query } = scripted()
  const family = new SharedQueries<number>(clock, 'things')
  const asked = Array.from({ length: 20 }, (_, at) => family.ask(`${at}`, query))
  await clock.advance(0)
  expect(calls).toHaveLength(1)
  expect(await outcome(family.ask('more', query))).toMatchObject({ status: 503, code: 'busy' })
  for (let at = 0; at < 20; at++) {
    calls[at]!.answer(at)
    await clock.advance(0)
  }
  expect((await Promise.all(asked)).map(({ value }) => value)).toEqual(Array.from(calls, (_, at) => at))
  expect((await family.ask('19', query)).value).toBe(19)
  const more = family.ask('more', query)
  await clock.advance(0)
  calls[20]!.answer(20)
  await more
  // The one that nobody had asked for longest is forgotten.
  void outcome(family.ask('0', query))
  await clock.advance(0)
  expect(calls).toHaveLength(22)
})

describe('once what it asks for has changed', () => {
  test('the next who asks gets a new answer, and the others within 2 s share that', async () => {
    const script = scripted()
    const { calls, shared } = script
    await known(script, 1)
    shared.outdate()
    await known(script, 2)
    expect((await shared.ask()).value).toBe(2)
    expect(calls).toHaveLength(2)
  })

  test.each(['answers', 'fails'])(
    'a query that began before is for those who asked before, when it %s',
    async (ends) => {
      const { clock, calls, shared } = scripted()
      const before = outcome(shared.ask())
      await clock.advance(0)
      shared.outdate()
      const after = [outcome(shared.ask()), outcome(shared.ask())]
      await clock.advance(0)
      expect(calls).toHaveLength(1)
      if (ends === 'answers') calls[0]!.answer(1)
      else calls[0]!.fail(new InvalidArgumentError('limit: expected less'))
      await clock.advance(0)
      expect(calls).toHaveLength(2)
      calls[1]!.answer(2)
      expect(await before).toEqual(
        ends === 'answers' ? expect.objectContaining({ value: 1 }) : expect.any(InvalidArgumentError),
      )
      expect(await Promise.all(after)).toMatchObject([{ value: 2 }, { value: 2 }])
    },
  )

  test('the last answer stands while the store is not to be asked again', async () => {
    const script = scripted()
    const { clock, calls, shared } = script
    await known(script, 1)
    shared.outdate()
    const asked = shared.ask()
    await clock.advance(0)
    calls[1]!.fail(new Error('away'))
    expect((await asked).value).toBe(1)
    shared.outdate()
    expect((await shared.ask()).value).toBe(1)
    expect(calls).toHaveLength(2)
    await clock.advance(4_000)
    await known(script, 2)
  })

  test('all queries of a family are asked anew', async () => {
    const { clock, calls, query } = scripted()
    const family = new SharedQueries<number>(clock, 'things')
    const askBoth = async (): Promise<number[]> => {
      const asked = ['a', 'b'].map((key) => family.ask(key, query))
      for (let turn = 0; turn < 2; turn++) {
        await clock.advance(0)
        calls.at(-1)!.answer(calls.length)
      }
      return (await Promise.all(asked)).map(({ value }) => value)
    }
    expect(await askBoth()).toEqual([1, 2])
    expect(await askBoth()).toEqual([1, 2])
    family.outdate()
    expect(await askBoth()).toEqual([3, 4])
  })
})
