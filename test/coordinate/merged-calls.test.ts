import fc from 'fast-check'
import { type Attempt, type CoordinateWorkerRecord, createCoordinate } from 'runutil/coordinate'
import { type Database, PostgresCoordinateStore, migrate } from 'runutil/postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Askers, rounds } from '../support/coordinate/concurrent-rounds.ts'
import { countedStatements } from '../support/coordinate/counted-statements.ts'
import { type Side, sight } from '../support/coordinate/coordinate-commands.ts'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { emptying } from '../support/postgres/emptying.ts'

/** COORDINATE_MODEL_RUNS=1000 for long. */
const RUNS = Number(process.env['COORDINATE_MODEL_RUNS'] ?? 15)
const ASKERS = 4

describe.each(kindsOfDatabase)('calls that come together, in $name', ({ open }) => {
  let database: Database
  let sent: string[]
  beforeAll(async () => {
    const counted = countedStatements(await open())
    database = counted.database
    sent = counted.sent
    for (const schema of ['together', 'in turn']) await migrate(database, { schema })
  })
  afterAll(() => database?.close())

  async function fresh(schema: string): Promise<PostgresCoordinateStore> {
    await database.query({ text: emptying(schema) })
    return new PostgresCoordinateStore(database, { schema })
  }

  it(
    'are answered as one after another: the ends first, then the requests',
    { timeout: 600_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(rounds, async (given) => {
          const together = await Askers.open(await fresh('together'))
          const inTurn = await Askers.open(await fresh('in turn'))
          for (const round of given) {
            expect(await together.play(round, false), JSON.stringify(round)).toEqual(
              await inTurn.play(round, true),
            )
          }
          expect(await seen(together)).toEqual(await seen(inTurn))
        }),
        { numRuns: RUNS, ...(process.env['SEED'] !== undefined && { seed: Number(process.env['SEED']) }) },
      )
    },
  )

  describe('of four askers', () => {
    let workers: CoordinateWorkerRecord[]
    let coordinate: ReturnType<typeof createCoordinate>
    beforeEach(async () => {
      coordinate = createCoordinate(await fresh('together'))
      const namespace = await coordinate.namespace('n')
      const specs = [
        await namespace.setWorkSpec({ name: 'spec' }),
        await namespace.setWorkSpec({ name: 'other' }),
      ]
      for (const spec of specs)
        await spec.addWorkUnits(Array.from({ length: 10 }, (_, at) => ({ name: `${at}`, data: { at } })))
      workers = await Promise.all(Array.from({ length: ASKERS }, (_, at) => namespace.worker(`${at}`)))
      sent.length = 0
    })

    function requests(specOf: (at: number) => string = () => 'spec'): Promise<Attempt[]>[] {
      return workers.map((worker, at) => worker.requestAttempts({ workSpecs: [specOf(at)] }))
    }

    const statusesOf = (attempts: Attempt[]): Promise<string[]> =>
      Promise.all(attempts.map((attempt) => attempt.status()))

    it('are one statement, and so one commit', async () => {
      const first = (await Promise.all(requests())).flat()
      expect(sent.length).toBe(1)
      const [next] = await Promise.all([
        Promise.all(requests()),
        ...first.map((attempt) => attempt.finish({ done: true })),
      ])
      expect(sent.length).toBe(2)
      expect(new Set([...first, ...next.flat()].map(({ workUnit }) => workUnit.name)).size).toBe(2 * ASKERS)
    })

    it('are one statement after another where each asker asks when it has finished', async () => {
      const work = async (worker: CoordinateWorkerRecord): Promise<void> => {
        for (;;) {
          const attempts = await worker.requestAttempts({ workSpecs: ['spec'] })
          if (attempts.length === 0) return
          await Promise.all(attempts.map((attempt) => attempt.finish()))
        }
      }
      await Promise.all(workers.map(work))
      // 10 units: three rounds of requests and as many of finishes, and a last request of each, in one or two.
      expect(sent.length).toBeLessThanOrEqual(8)
    })

    it('take effect where the request finds nothing', async () => {
      const attempts = await workers[0]!.requestAttempts({ workSpecs: ['spec'], numberOfWorkUnits: 10 })
      sent.length = 0
      const answers = await Promise.all([...requests(), ...attempts.map((attempt) => attempt.finish())])
      expect(sent.length).toBe(1)
      expect(answers.slice(0, ASKERS)).toEqual([[], [], [], []])
      expect(new Set(await statusesOf(attempts))).toEqual(new Set(['finished']))
    })

    it('find what the ends among them open', async () => {
      const attempts = await workers[0]!.requestAttempts({ workSpecs: ['spec'], numberOfWorkUnits: 10 })
      const [given] = await Promise.all([
        workers[1]!.requestAttempts({ workSpecs: ['spec'] }),
        attempts[7]!.retry(),
        attempts[3]!.fail(),
      ])
      expect(given.map(({ workUnit }) => workUnit.name)).toEqual(['7'])
    })

    describe('where one of them makes the statement fail', () => {
      const table = '"together".work_units'
      beforeEach(() =>
        database.transaction((tx) =>
          tx.script(`
            create function "together".refuse() returns trigger language plpgsql as $$ begin
              if (select name = 'other' from "together".work_specs where id = new.spec) or new.attempt_data ->> 'no' is not null then raise exception 'refused'; end if;
              return new;
            end $$;
            create trigger refuse before update on ${table} for each row execute function "together".refuse()`),
        ),
      )
      afterEach(() => database.transaction((tx) => tx.script('drop function "together".refuse() cascade')))

      it('a request fails alone', async () => {
        const held = (await Promise.all(requests())).flat()
        const settled = await Promise.allSettled([
          ...requests((at) => (at === 2 ? 'other' : 'spec')),
          ...held.map((attempt) => attempt.finish()),
        ])
        expect(settled.map(({ status }) => status)).toEqual(
          settled.map((_, at) => (at === 2 ? 'rejected' : 'fulfilled')),
        )
        expect((settled[2] as PromiseRejectedResult).reason).toMatchObject({ message: 'refused' })
        expect(await statusesOf(held)).toEqual(Array(ASKERS).fill('finished'))
        const given = await Promise.all(workers.map((worker) => worker.activeAttempts()))
        expect(given.map(({ length }) => length)).toEqual([1, 1, 0, 1])
      })

      it('an end fails alone', async () => {
        const held = (await Promise.all(requests())).flat()
        const settled = await Promise.allSettled([
          ...requests(),
          ...held.map((attempt, at) => attempt.finish(at === 1 ? { no: true } : {})),
        ])
        expect(settled.map(({ status }) => status === 'rejected')).toEqual(
          settled.map((_, at) => at === ASKERS + 1),
        )
        expect(await statusesOf(held)).toEqual(['finished', 'pending', 'finished', 'finished'])
      })
    })

    it('of a worker that is gone fail alone', async () => {
      const passing = await coordinate.namespace('passing')
      const gone = await passing.worker('gone')
      await passing.destroy()
      const settled = await Promise.allSettled([...requests(), gone.requestAttempts()])
      expect(settled.map(({ status }) => status)).toEqual(
        settled.map((_, at) => (at < ASKERS ? 'fulfilled' : 'rejected')),
      )
      expect((settled[ASKERS] as PromiseRejectedResult).reason).toMatchObject({ name: 'ErrGone' })
    })
  })
})

async function seen(askers: Askers): Promise<unknown> {
  const namespaces = await askers.namespaces()
  return Promise.all(namespaces.map((namespace) => sight({ ...askers, namespace } as unknown as Side)))
}
