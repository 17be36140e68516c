import fc from 'fast-check'
import { type LeaseStore, MemoryLeaseStore } from 'runutil/leases'
import { type Database, PostgresLeaseStore, migrate, openDatabase } from 'runutil/postgres'
import { VirtualClock } from 'runutil/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Taken } from '../support/leases/lease-ledger.ts'
import { Fleet, MINUTE, NOON, type Program, jump, moves, programs } from '../support/leases/mortal-fleet.ts'

function between(every: number, from: number, to: number): number {
  return Math.floor(to / MINUTE / every) - Math.floor(from / MINUTE / every)
}

function check({ begun, ledger, quietSince }: Fleet, { every }: Program): void {
  const { taken, settled } = ledger
  const known = taken[0]?.settled ?? settled!
  const ofFence = new Map(taken.map((one) => [one.fence, one]))
  taken.forEach((one, at) => {
    expect(one.fence).toBeGreaterThan(taken[at - 1]?.fence ?? 0)
    // The instant has passed, and neither it nor a later one has run.
    expect(one.at).toBeGreaterThanOrEqual(one.instant)
    expect((one.instant / MINUTE) % every).toBe(0)
    expect(one.instant).toBeGreaterThan(one.settled)
  })
  for (const one of begun) {
    const { instant, settled: before } = ofFence.get(one.fence)!
    expect(one.instant).toBe(instant)
    expect(one.missed).toBe(between(every, before, instant) - 1)
  }
  expect(new Set(begun.map(({ fence }) => fence)).size).toBe(begun.length)
  const isSettled = ({ use }: Taken): boolean => use === 'done' || use === 'failed'
  const ended = taken.filter(isSettled)
  expect(new Set(ended.map(({ instant }) => instant)).size).toBe(ended.length)
  const missed = ended.reduce((sum, { fence }) => sum + begun.find((one) => one.fence === fence)!.missed, 0)
  expect(missed + ended.length).toBe(between(every, known, settled!))
  // What was due before the fleet settled has run, or a later instant has.
  expect(between(every, settled!, quietSince)).toBeLessThanOrEqual(0)
}

const runs = Number(process.env.CRON_RUNS ?? 20)

describe('despite crashes and clocks that differ and are set, each instant runs once in one process, or is missed', () => {
  test('in memory', { timeout: 120_000 + runs * 500 }, async () => {
    await fc.assert(
      fc.asyncProperty(programs([...moves, jump]), async (program) => {
        const clock = new VirtualClock({ now: NOON })
        const store = new MemoryLeaseStore({ clock })
        const fleet = new Fleet({ clock, store, strideMs: Infinity }, program, 'report')
        await fleet.run()
        check(fleet, program)
        await fleet.end()
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })

  describe('in PGlite', () => {
    let database: Database
    beforeAll(async () => {
      database = await openDatabase('memory:')
      await migrate(database)
      await database.query({ text: 'create table virtual_time as select 0::float8 as ms' })
      // The store's functions read the time of the virtual clock.
      await database.query({
        text: `create or replace function runutil.store_time(p_now float8) returns timestamptz language sql volatile as
          'select to_timestamp(ms / 1000) from public.virtual_time'`,
      })
    })
    afterAll(() => database?.close())

    test('with its real response times', { timeout: 120_000 + runs * 500 }, async () => {
      let programsRun = 0
      await fc.assert(
        fc.asyncProperty(programs(moves), async (program) => {
          const clock = new VirtualClock({ now: NOON })
          const store = onTime(new PostgresLeaseStore(database), database, clock)
          const fleet = new Fleet({ clock, store, strideMs: 5_000 }, program, `report ${++programsRun}`)
          await fleet.run()
          check(fleet, program)
          await fleet.end()
        }),
        { numRuns: Math.ceil(runs / 20), endOnFailure: true },
      )
    })
  })
})

/** A store whose time is that of the virtual clock. */
function onTime(store: LeaseStore, database: Database, clock: VirtualClock): LeaseStore {
  const tell = (): Promise<unknown> =>
    database.query({ text: 'update virtual_time set ms = $1::float8' }, [clock.now()])
  return {
    acquire: (...args) => tell().then(() => store.acquire(...args)),
    renew: (...args) => tell().then(() => store.renew(...args)),
    release: (...args) => tell().then(() => store.release(...args)),
  }
}
