import { runAllWorkers } from 'runutil'
import {
  type Attempt,
  type Coordinate,
  CoordinateWorker,
  type CoordinateWorkerRecord,
  type Namespace,
  type WorkSpec,
  createCoordinate,
} from 'runutil/coordinate'
import { type Database, PostgresCoordinateStore, migrate, openDatabase } from 'runutil/postgres'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { ALL_ATTEMPTS } from '../support/coordinate/all-attempts.ts'
import { type FreshDatabase, freshDatabase } from '../support/postgres/databases.ts'
import { TcpProxy } from '../support/postgres/tcp-proxy.ts'

const UNITS = 240
const ASKERS = 6
const FINISHED_A_CUT = 40

describe('calls that come together', () => {
  let fresh: FreshDatabase
  let proxy: TcpProxy
  let database: Database
  let coordinate: Coordinate
  let namespace: Namespace
  let spec: WorkSpec
  beforeEach(async () => {
    fresh = await freshDatabase()
    proxy = await TcpProxy.start(inject('postgresUrl'))
    database = await openDatabase(proxy.urlOf(fresh.url), { max: 3 })
    await migrate(database)
    coordinate = createCoordinate(new PostgresCoordinateStore(database))
    namespace = await coordinate.namespace('n')
    spec = await namespace.setWorkSpec({ name: 'spec', runtime: 'node' })
    await spec.addWorkUnits(Array.from({ length: UNITS }, (_, at) => ({ name: `${at}`, data: { at } })))
  })
  afterEach(async () => {
    await database.close()
    await proxy.stop()
    await fresh.drop()
  })

  const finished = async (): Promise<number> => (await spec.countWorkUnitStatus()).finished

  /** Units by the number of their attempts, and of those that finished. */
  async function ledger(): Promise<unknown[]> {
    const text = `select attempts, finished, count(*)::integer from (
        select count(*)::integer as attempts, (count(*) filter (where status = 'finished'))::integer as finished
        from ${ALL_ATTEMPTS} as a group by unit
      ) as units group by 1, 2`
    return database.query({ text })
  }

  it('lose nothing and hand nothing out twice when their connection is lost in between', async () => {
    let done = 0
    let cuts = 0
    const finish = async (attempt: Attempt): Promise<void> => {
      await attempt.finish().catch(unlessNotPending)
      if (++done >= (cuts + 1) * FINISHED_A_CUT) {
        cuts++
        proxy.cut()
      }
    }
    const work = async (worker: CoordinateWorkerRecord): Promise<void> => {
      // What a request got whose answer was lost is still its worker's.
      let attempts = await worker.activeAttempts()
      do {
        const [next] = await Promise.all([
          worker.requestAttempts({ numberOfWorkUnits: 2 }),
          ...attempts.map(finish),
        ])
        attempts = next
      } while (attempts.length > 0)
    }
    const worker = async (at: number): Promise<void> => {
      const record = await untilAnswered(() => namespace.worker(`${at}`))
      while ((await untilAnswered(finished)) < UNITS) await untilAnswered(() => work(record))
    }
    await Promise.all(Array.from({ length: ASKERS }, (_, at) => worker(at)))
    expect(cuts).toBeGreaterThanOrEqual(UNITS / FINISHED_A_CUT - 1)
    expect(await untilAnswered(ledger)).toEqual([[1, 1, UNITS]])
  })

  it('leave nothing pending when their worker is told to stop, and finish each unit once', async () => {
    for (let stops = 0; stops < 4 || (await finished()) < UNITS; stops++) {
      const stop = new AbortController()
      let begun = 0
      const task = async (attempts: Attempt[]): Promise<void> => {
        begun += attempts.length
        const ends = Promise.all(attempts.map((attempt) => attempt.finish()))
        if (begun >= 30 && stops < 4) stop.abort()
        await ends
        if ((await finished()) === UNITS) stop.abort()
      }
      const worker = new CoordinateWorker({
        namespace,
        tasks: { spec: task },
        concurrency: ASKERS,
        maxAttempts: 2,
      })
      await runAllWorkers([worker], stop.signal)
      expect((await spec.countWorkUnitStatus()).pending).toBe(0)
    }
    const once = (await ledger()) as [attempts: number, finished: number, units: number][]
    expect(once.filter(([, finishedTimes]) => finishedTimes !== 1)).toEqual([])
    expect(once.reduce((sum, [, , units]) => sum + units, 0)).toBe(UNITS)
  })
})

/** Again and again, until it is answered. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (code !== 'ERR_STORE_UNAVAILABLE') throw error
    }
  }
}

/** It has ended already where the answer was lost. */
function unlessNotPending(error: Error): void {
  if (error.name !== 'ErrNotPending') throw error
}
