import type { QueuedJob } from 'runutil/queue'
import { describe, expect, it } from 'vitest'
import { freshQueue } from '../support/queue/fresh-queue.ts'
import { type FreshWorker, type FreshWorkerOptions, freshWorker } from '../support/queue/fresh-worker.ts'
import { type Objection, PickyStore, away, heldUp } from '../support/queue/picky-store.ts'

const refusal = Object.assign(new Error('character 🎉 has no equivalent in encoding "LATIN1"'), {
  code: '22P05',
})

interface PickyCase extends Omit<FreshWorker, 'store'> {
  readonly picky: PickyStore
  readonly handled: string[]
  readonly jobs: () => Promise<(QueuedJob | undefined)[]>
}

/** Ten jobs that return their ids, 'bad' among them, on a store that objects. */
function pickyCase(
  objection: Objection,
  {
    ids = ['1', '2', '3', 'bad', '4', '5', '6', '7', '8', '9'],
    ...options
  }: FreshWorkerOptions & { ids?: string[] } = {},
): PickyCase & { readonly ids: string[] } {
  let picky: PickyStore
  const fresh = freshQueue((inner) => (picky = new PickyStore(inner, objection)).store)
  const handled: string[] = []
  const made = freshWorker(
    (job) => {
      handled.push(job.id)
      return job.id
    },
    { concurrency: 10, ...options, fresh: { ...fresh, store: undefined as never } },
  )
  const jobs = (): Promise<(QueuedJob | undefined)[]> => Promise.all(ids.map((id) => fresh.queue.get(id)))
  return { ...made, ids, handled, jobs, picky: picky! }
}

const isBad: Objection = ({ id, outcome }) =>
  id === 'bad' && outcome.status === 'DONE' ? refusal : undefined
const isHeldUp: Objection = ({ id, outcome }) =>
  id === 'bad' && outcome.status === 'DONE' ? heldUp() : undefined

describe('an outcome that the store refuses', () => {
  it('ends its job as PANIC with the reason in ASCII; its neighbours are recorded, and the worker goes on', async () => {
    const { clock, enqueue, run, jobs, ids, lines, handled, queue, picky } = pickyCase(isBad)
    await enqueue(...ids)
    const { stop } = await run()
    await clock.advance('10s')
    const [, , , bad, ...others] = await jobs()
    expect(bad).toMatchObject({
      status: 'PANIC',
      lastError:
        'panic: the store refused the outcome DONE: character \\ud83c\\udf89 has no equivalent in encoding "LATIN1" (22P05)',
    })
    expect(others.map((job) => job?.status)).toEqual(new Array(6).fill('DONE'))
    expect(lines.filter(({ level }) => level === 50)).toMatchObject([
      { msg: 'job panicked: the store refused its outcome', err: { code: '22P05' }, job: 'bad' },
    ])
    await enqueue('later')
    await clock.advance('1s')
    expect(await queue.get('later')).toMatchObject({ status: 'DONE' })
    expect(handled).toHaveLength(11)
    expect(picky.batches.length).toBeLessThan(15)
    await stop()
  })

  it('ends the worker when the store refuses the PANIC as well', async () => {
    const { clock, enqueue, run, ids } = pickyCase(() => refusal)
    await enqueue(...ids)
    const { ended } = await run()
    await clock.advance('10s')
    await expect(ended).rejects.toMatchObject({ errors: [refusal] })
  })

  it('is PANIC also after an outage in between', async () => {
    let outages = 5
    const { clock, enqueue, run, jobs, ids } = pickyCase((settlement) =>
      settlement.outcome.status === 'PANIC' && outages-- > 0 ? away() : isBad(settlement),
    )
    await enqueue(...ids)
    const { stop } = await run()
    await clock.advance('1m')
    expect((await jobs()).filter((job) => job?.status === 'DONE')).toHaveLength(9)
    expect((await jobs())[3]).toMatchObject({ status: 'PANIC' })
    await stop()
  })
})

describe('what a server says in passing', () => {
  it('to three tries of a batch has it halved, so that the others are recorded', async () => {
    const { clock, enqueue, run, jobs, ids, picky, handled } = pickyCase(isHeldUp)
    await enqueue(...ids)
    const { stop } = await run()
    await clock.advance('30s')
    const statuses = (await jobs()).map((job) => job?.status)
    expect(statuses).toEqual(ids.map((id) => (id === 'bad' ? 'PENDING' : 'DONE')))
    const wholes = picky.batches.filter((batch) => batch.length === 10)
    expect(wholes).toHaveLength(3)
    expect(handled).toHaveLength(10)
    picky.objection = () => undefined
    await clock.advance('1m')
    expect((await jobs())[3]).toMatchObject({ status: 'DONE', result: 'bad' })
    await stop()
  })

  it('to one outcome ten times over five minutes ends its job as PANIC, with an error log', async () => {
    const { clock, enqueue, run, jobs, ids, picky, lines, handled } = pickyCase(isHeldUp)
    await enqueue(...ids)
    const { stop } = await run()
    await clock.advance('4m')
    expect((await jobs())[3]).toMatchObject({ status: 'PENDING' })
    await clock.advance('3m')
    expect((await jobs())[3]).toMatchObject({
      status: 'PANIC',
      lastError:
        'panic: the store refused the outcome DONE: canceling statement due to statement timeout (ERR_STORE_UNAVAILABLE)',
    })
    expect(lines.filter(({ level }) => level === 50)).toHaveLength(1)
    expect(handled).toHaveLength(10)
    const tries = picky.batches.filter((batch) => batch.join() === 'bad').length
    expect(tries).toBeGreaterThanOrEqual(10)
    expect(tries).toBeLessThan(40)
    await stop()
  })

  it('to all that is asked is not the fault of any outcome, however long it goes on', async () => {
    const { clock, enqueue, run, jobs, ids, picky, lines, handled } = pickyCase(() => heldUp(), {
      lease: '1m',
    })
    await enqueue(...ids)
    const { stop } = await run()
    await clock.advance('1h')
    picky.objection = () => undefined
    await clock.advance('2m')
    expect((await jobs()).map((job) => job?.status)).toEqual(new Array(10).fill('DONE'))
    expect(handled).toHaveLength(10)
    expect(lines.filter(({ level }) => level === 50)).toHaveLength(0)
    await stop()
  })

  it('holds up no later outcome, and no claim', async () => {
    const { clock, enqueue, run, queue, picky } = pickyCase(isHeldUp, { concurrency: 1, prefetch: 0 })
    await enqueue('bad')
    const { stop } = await run()
    await clock.advance('5s')
    await enqueue('1', '2', '3', '4', '5', '6', '7', '8')
    await clock.advance('5s')
    expect(await queue.counts()).toMatchObject({ a: { DONE: 8, PENDING: 0, RUNNING: 1 } })
    picky.objection = () => undefined
    await clock.advance('1m')
    await stop()
  })
})

it('an outage of an hour is nobody’s fault: outcomes are kept, and recorded once', async () => {
  const { clock, enqueue, run, jobs, ids, picky, handled, lines } = pickyCase(() => away(), { lease: '2h' })
  await enqueue(...ids)
  const { stop } = await run()
  await clock.advance('1h')
  expect(picky.batches.every((batch) => batch.length === 10)).toBe(true)
  picky.objection = () => undefined
  await clock.advance('10s')
  expect((await jobs()).map((job) => job?.status)).toEqual(new Array(10).fill('DONE'))
  expect(handled).toHaveLength(10)
  expect(lines.filter(({ level }) => level === 50)).toHaveLength(0)
  await stop()
})

it('a batch has at most 8 Mi characters, or one outcome', async () => {
  const sizes: number[] = []
  const fresh = freshQueue(
    (inner) =>
      new PickyStore(inner, ({ outcome }) => {
        sizes[sizes.length - 1]! += outcome.status === 'DONE' ? outcome.result!.length : 0
        return undefined
      }).store,
  )
  const { clock, enqueue, run, queue } = freshWorker(() => 'x'.repeat(3 * 2 ** 20), {
    concurrency: 12,
    fresh: { ...fresh, store: undefined as never },
  })
  const settle = queue.store.settle.bind(queue.store)
  queue.store.settle = (batch, options) => {
    sizes.push(0)
    return settle(batch, options)
  }
  await enqueue(...Array.from({ length: 12 }, (_, at) => `${at}`))
  const { stop } = await run()
  await clock.advance('1s')
  expect(sizes.length).toBeGreaterThanOrEqual(6)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(8 * 2 ** 20)
  expect(await queue.counts()).toMatchObject({ a: { DONE: 12 } })
  await stop()
})
