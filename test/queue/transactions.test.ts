import { runAllWorkers } from 'runutil'
import { PostgresJobStore } from 'runutil/postgres'
import {
  type LeasedJob,
  ErrInvalidJob,
  ErrJobExists,
  ErrLostLease,
  JobQueue,
  QueueWorker,
} from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { failureOf } from '../support/outcome.ts'
import { type Transact, type Transactors, kindsOfTransactors } from '../support/queue/transaction-handles.ts'

// PGlite takes a while to open.
const changedMind = new Error('changed my mind')

describe.each(kindsOfTransactors)('in a transaction on $name', ({ libraries, open }) => {
  let transactors: Transactors
  beforeAll(async () => void (transactors = await open()))
  afterAll(() => transactors?.close())

  const notes = async (text: string): Promise<number> =>
    (await transactors.database.query({ text: 'select from notes where text = $1' }, [text])).length

  describe.each(libraries)('of %s', (library) => {
    let transact: Transact
    let queue: JobQueue
    let clock: VirtualClock
    let id: string
    let tests = 0
    beforeEach(() => {
      transact = transactors.by[library]!
      clock = new VirtualClock()
      queue = new JobQueue(new PostgresJobStore(transactors.database, { clock }))
      id = `${library} ${++tests}`.toLowerCase()
    })
    const job = (): { id: string; kind: string } => ({ id, kind: id })

    it('a job is there once it is committed', async () => {
      await transact(async ({ tx, note }) => {
        await note(id)
        await queue.enqueue({ ...job(), payload: { n: [1, null, 'ä"\\'] } }, { tx })
      })
      expect(await queue.get(id)).toMatchObject({ status: 'PENDING', payload: { n: [1, null, 'ä"\\'] } })
      expect(await notes(id)).toBe(1)
    })

    it('a job is not there when it is rolled back', async () => {
      const rolledBack = transact(async ({ tx, note }) => {
        await note(id)
        await queue.enqueue(job(), { tx })
        throw changedMind
      })
      expect(await failureOf(rolledBack)).toBe(changedMind)
      expect(await queue.get(id)).toBeUndefined()
      expect(await notes(id)).toBe(0)
    })

    it('an id that exists is ErrJobExists, and the transaction goes on', async () => {
      await queue.enqueue(job())
      await transact(async ({ tx, note }) => {
        await note(id)
        const twice = queue.enqueue([job(), { id: `${id} more`, kind: 'more' }], { tx })
        expect(await failureOf(twice)).toMatchObject({ constructor: ErrJobExists, ids: [id] })
        await queue.enqueue({ id: `${id} instead`, kind: 'more' }, { tx })
      })
      expect(await queue.get(`${id} more`)).toBeUndefined()
      expect(await queue.get(`${id} instead`)).toMatchObject({ status: 'PENDING' })
      expect(await notes(id)).toBe(1)
    })

    /** As a worker has it that runs it. */
    const claimed = async (): Promise<LeasedJob> => {
      await queue.enqueue(job())
      return (await queue.store.claim([id], 1, '30s'))[0]!
    }

    it('a job that is completed is DONE once it is committed', async () => {
      const held = await claimed()
      await transact(async ({ tx, note }) => {
        await note(id)
        await queue.complete(held, { by: [library] }, { tx })
      })
      expect(await queue.get(id)).toMatchObject({
        status: 'DONE',
        result: { by: [library] },
        attemptsDone: 1,
      })
      expect(await notes(id)).toBe(1)
    })

    it('a job that is completed is still held when it is rolled back', async () => {
      const held = await claimed()
      const rolledBack = transact(async ({ tx, note }) => {
        await note(id)
        await queue.complete(held, 'too early', { tx })
        throw changedMind
      })
      expect(await failureOf(rolledBack)).toBe(changedMind)
      expect(await queue.get(id)).toMatchObject({ status: 'PENDING', attemptsDone: 0 })
      expect(await notes(id)).toBe(0)
      await transact(({ tx }) => queue.complete(held, 'now', { tx }))
      expect(await queue.get(id)).toMatchObject({ status: 'DONE', result: 'now' })
    })

    it('a job can be completed, and the next one enqueued', async () => {
      const held = await claimed()
      await transact(async ({ tx }) => {
        await queue.complete(held, undefined, { tx })
        await queue.enqueue({ id: `${id} next`, kind: 'next' }, { tx })
      })
      expect(await queue.get(id)).toMatchObject({ status: 'DONE' })
      expect(await queue.get(`${id} next`)).toMatchObject({ status: 'PENDING' })
    })

    it('completing a job with what is not JSON is ErrInvalidJob, and it is still held', async () => {
      const held = await claimed()
      const refused = transact(({ tx }) => queue.complete(held, { at: [1n] }, { tx }))
      expect(await failureOf(refused)).toMatchObject({ constructor: ErrInvalidJob })
      await transact(({ tx }) => queue.complete(held, 'now', { tx }))
      expect(await queue.get(id)).toMatchObject({ status: 'DONE', result: 'now' })
    })

    const LOSSES: [string, () => Promise<unknown>][] = [
      ['it was cancelled', () => queue.cancel(id)],
      [
        'another process has it',
        async () => {
          await clock.advance('1m')
          await queue.store.claim([id], 1, '30s')
        },
      ],
    ]
    it.each(LOSSES)('completing a job is ErrLostLease and rolls back when %s', async (_, lose) => {
      const held = await claimed()
      await lose()
      const before = await queue.get(id)
      const late = transact(async ({ tx, note }) => {
        await note(id)
        await queue.complete(held, 'late', { tx })
      })
      expect(await failureOf(late)).toMatchObject({ constructor: ErrLostLease, id })
      expect(await queue.get(id)).toEqual(before)
      expect(await notes(id)).toBe(0)
    })

    it('that a handler ends its job in, the job is DONE once, with the result given there', async () => {
      const [job, calls] = await runOnce(async (held) => {
        await transact(async ({ tx, note }) => {
          await note(id)
          await queue.complete(held, 'in the transaction', { tx })
        })
        return 'returned'
      })
      expect(job).toMatchObject({ status: 'DONE', result: 'in the transaction', attemptsDone: 1 })
      expect({ calls, notes: await notes(id) }).toEqual({ calls: 1, notes: 1 })
    })

    it('that a handler rolls back after it ended its job, the job ends as what it threw says', async () => {
      const [job] = await runOnce((held) =>
        transact(async ({ tx, note }) => {
          await note(id)
          await queue.complete(held, 'in the transaction', { tx })
          throw changedMind
        }),
      )
      expect(job).toMatchObject({ status: 'FAILED', lastError: 'changed my mind', attemptsDone: 1 })
      expect(job).not.toHaveProperty('result')
      expect(await notes(id)).toBe(0)
    })

    /** Runs a worker until its one job has ended. @returns the job, and how often the handler was called */
    async function runOnce(handler: (job: LeasedJob) => Promise<unknown>) {
      queue = new JobQueue(new PostgresJobStore(transactors.database))
      const called = vi.fn(handler)
      const worker = new QueueWorker(queue).register(id, called)
      await queue.enqueue(job())
      const stop = new AbortController()
      const run = runAllWorkers([worker], stop.signal, { logger: capturedLogger().logger })
      await queue.result(id).catch(() => {})
      stop.abort()
      await run
      return [await queue.get(id), called.mock.calls.length] as const
    }
  })
})
