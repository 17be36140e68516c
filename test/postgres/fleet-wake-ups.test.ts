import { runAllWorkers } from 'runutil'
import { PostgresJobStore } from 'runutil/postgres'
import { type LeasedJob, JobQueue, type JobStore, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { Probe } from 'runutil/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { ask } from '../support/postgres/ask.ts'
import { eventually } from '../support/eventually.ts'
import { embeddedDatabase, serverDatabase } from '../support/postgres/migrated-database.ts'

const fresh = serverDatabase(beforeAll)
const embedded = embeddedDatabase(beforeAll)

/** The same object, with some of its methods. */
function over<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, key) => {
      const own: unknown = Reflect.get(methods, key) ?? Reflect.get(target, key)
      return typeof own === 'function' ? (own.bind(target) as unknown) : own
    },
  })
}

let fleets = 0
/** Workers that never poll, each on its store. A job with a payload keeps its worker busy until the test ends. */
class Fleet {
  claims = 0
  readonly kind = `kind ${++fleets}`
  readonly #queue: JobQueue
  readonly #idle = new Probe<string>('idle', '1m')
  readonly #busy = new Probe<string>('busy', '1m')
  readonly #stop = new AbortController()
  readonly #store: JobStore
  readonly #workers: readonly QueueWorker[]
  #run: Promise<void> | undefined
  #jobs = 0

  constructor(stores: readonly JobStore[]) {
    this.#store = stores[0]!
    this.#queue = new JobQueue(this.#store)
    this.#workers = stores.map((store) =>
      new QueueWorker(new JobQueue(this.#counting(store)), { pollInterval: '1h', prefetch: 0 }).register(
        this.kind,
        ({ payload }, signal) => payload !== 'stay' || this.#untilStopped(signal),
      ),
    )
  }

  /** Jobs that are enqueued and held before anybody works. */
  async hold(jobs: number): Promise<LeasedJob[]> {
    await this.#queue.enqueue(Array.from({ length: jobs }, () => this.#job()))
    return this.#store.claim([this.kind], jobs, '10m')
  }

  async start({ busy = 0 } = {}): Promise<this> {
    this.#run = runAllWorkers(this.#workers, this.#stop.signal, { logger: capturedLogger().logger })
    await this.#idle.times(this.#workers.length)
    await this.#queue.enqueue(Array.from({ length: busy }, () => ({ ...this.#job(), payload: 'stay' })))
    await this.#busy.times(busy)
    this.claims = 0
    return this
  }

  async runOneByOne(jobs: number): Promise<void> {
    for (let n = 0; n < jobs; n++) {
      const job = this.#job()
      await this.#queue.enqueue(job)
      expect(await this.#queue.result(job.id, { timeout: '30s' })).toBe(true)
    }
  }

  async giveBackOneByOne(held: readonly LeasedJob[]): Promise<void> {
    for (const job of held) {
      await this.#store.release([job])
      expect(await this.#queue.result(job.id, { timeout: '30s' })).toBe(true)
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#run
  }

  #job(): { id: string; kind: string } {
    return { id: `${this.kind} ${++this.#jobs}`, kind: this.kind }
  }

  #untilStopped(signal: AbortSignal): Promise<unknown> {
    this.#busy.hit('busy')
    return new Promise((resolve) => signal.addEventListener('abort', resolve))
  }

  /** Counts claims, and says when a worker has found nothing for the first time. */
  #counting(store: JobStore): JobStore {
    let isFirst = true
    const claim: JobStore['claim'] = async (...args) => {
      this.claims++
      const jobs = await store.claim(...args)
      if (isFirst && jobs.length === 0) this.#idle.hit('idle')
      isFirst &&= jobs.length > 0
      return jobs
    }
    return over(store, { claim })
  }
}

const manyOf = (count: number, store: () => JobStore): JobStore[] => Array.from({ length: count }, store)
const stores: Record<string, () => JobStore[]> = {
  '30 workers of one process': () => {
    const store = new PostgresJobStore(fresh.database)
    return manyOf(30, () => store)
  },
  '20 workers of as many processes': () => manyOf(20, () => new PostgresJobStore(fresh.database)),
  '30 workers on PGlite': () => {
    const store = new PostgresJobStore(embedded.database)
    return manyOf(30, () => store)
  },
  '30 workers in memory': () => {
    const store = new MemoryJobStore()
    return manyOf(30, () => store)
  },
}

describe.each(Object.entries(stores))('of %s', (_, make) => {
  it('about one claims for each job, and not all', async () => {
    const all = make()
    const fleet = await new Fleet(all).start()
    await fleet.runOneByOne(20)
    await fleet.stop()
    // All would be more than 20 a worker; on a busy machine, more claim before another has the job.
    expect(fleet.claims).toBeLessThan(all.length * 15)
  })

  it('about one claims for each job that is given back', async () => {
    const all = make()
    const fleet = new Fleet(all)
    const held = await fleet.hold(20)
    await fleet.start()
    await fleet.giveBackOneByOne(held)
    await fleet.stop()
    // As above.
    expect(fleet.claims).toBeLessThan(all.length * 15)
  })

  it('the only idle one claims, without polling', async () => {
    const all = make()
    const fleet = await new Fleet(all).start({ busy: all.length - 1 })
    await fleet.runOneByOne(5)
    await fleet.stop()
  })
})

describe('a worker that hears notifications', () => {
  it('is told so by its own store, and how long nothing falls due', async () => {
    const store = new PostgresJobStore(fresh.database)
    const quietFor = (): Promise<number> => store.quietFor(['later', 'other'])
    expect(await quietFor()).toBe(0)
    const off = await store.listen(() => {}, ['later'])
    await eventually(async () => expect(await quietFor()).toBe(Infinity))
    const queue = new JobQueue(store)
    const runAt = new Date(Date.now() + 3_600_000)
    await queue.enqueue({ id: 'later', kind: 'later', runAt })
    expect(await store.quietFor(['other'])).toBe(Infinity)
    expect(await quietFor()).toBeGreaterThan(3_000_000)
    expect(await quietFor()).toBeLessThan(3_700_000)
    // Of more than it looks at, it says what is sure.
    const sooner = new Date(runAt.getTime() - 600_000)
    await queue.enqueue(
      Array.from({ length: 100 }, (_, n) => ({ id: `many ${n}`, kind: 'many', runAt: sooner })),
    )
    expect(await store.quietFor(['other'])).toBeLessThan(3_100_000)
    await off()
    expect(await quietFor()).toBe(0)
  })

  it('knows when the next lease runs out', async () => {
    const store = new PostgresJobStore(fresh.database)
    const off = await store.listen(() => {}, ['leased'])
    await new JobQueue(store).enqueue({ id: 'leased', kind: 'leased' })
    const held = await store.claim(['leased'], 1, '1m')
    await eventually(async () => expect(await store.quietFor(['k'])).toBeGreaterThan(0))
    expect(await store.quietFor(['k'])).toBeLessThanOrEqual(60_000)
    await store.release(held)
    await off()
  })

  it('polls where a pooler only seems to let it listen', async () => {
    const store = new PostgresJobStore(
      over(fresh.database, { listen: () => Promise.resolve(async () => {}) }),
    )
    const off = await store.listen(() => {}, ['k'])
    expect(await store.quietFor(['k'])).toBe(0)
    await off()
  })

  it('is woken by what it can’t read, too, as a trigger may send it', async () => {
    const store = new PostgresJobStore(fresh.database)
    const woken = new Probe<void>('woken')
    const off = await store.listen(() => woken.hit(), ['k'])
    await ask(fresh.url, `select pg_notify('jobs.runutil', '')`)
    await woken.times(1)
    await off()
  })

  it.each(['put off', 'enqueued for later'])(
    'is woken when a job falls due that another has %s',
    async (how) => {
      const here = new PostgresJobStore(fresh.database)
      const elsewhere = new PostgresJobStore(fresh.database)
      const kind = `to be ${how}`
      const queue = new JobQueue(elsewhere)
      if (how === 'put off') await queue.enqueue({ id: how, kind })
      const held = await elsewhere.claim([kind], 1, '1m')
      const woken = new Probe<Promise<string[]>>('woken', '30s')
      const look = (): void => woken.hit(here.claim([kind], 1, '1m').then((jobs) => jobs.map(({ id }) => id)))
      const off = await here.listen(look, [kind])
      const outcome = { status: 'PENDING', lastError: 'later', delayMs: 1_200, counted: true } as const
      if (how === 'put off') {
        await elsewhere.settle(held.map((job) => ({ ...job, outcome, attempt: 1, durationMs: 1 })))
      } else await queue.enqueue({ id: how, kind, runAt: new Date(Date.now() + 1_200) })
      expect(await woken.next()).toEqual([how])
      await off()
    },
  )
})
