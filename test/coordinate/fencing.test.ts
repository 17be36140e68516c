import {
  type Attempt,
  type CoordinateWorkerRecord,
  type WorkSpec,
  type WorkUnit,
  createCoordinate,
} from 'runutil/coordinate'
import { PostgresCoordinateStore } from 'runutil/postgres'
import { beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { serverDatabase } from '../support/postgres/migrated-database.ts'

/** What an attempt's own worker asks while another transaction has changed its unit, but not committed. */
const calls: Record<string, (attempt: Attempt) => Promise<void>> = {
  finish: (attempt) => attempt.finish({ by: 'late' }),
  fail: (attempt) => attempt.fail({ by: 'late' }),
  retry: (attempt) => attempt.retry({ by: 'late' }),
  renew: (attempt) => attempt.renew('1h', { by: 'late' }),
}

/** What the other one does, and what becomes of the late call. */
const changes = {
  'takes the unit over': {
    change: /* sql */ `select runutil.make_attempt((select id from runutil.work_workers where name = 'other'), $1, 60000, null), $2`,
    error: 'ErrLostLease',
    statuses: ['pending', 'pending'],
  },
  'fails the attempt': {
    change: /* sql */ `select runutil.end_attempts(array[$2::bigint], array[$1::bigint], '{failed}', '{null}', '{0}', '{}', '{}', '{}', '{}',
      '{}', 'channel', null)`,
    error: 'ErrNotPending',
    statuses: ['failed'],
  },
  'retries the attempt': {
    change: /* sql */ `select runutil.end_attempts(array[$2::bigint], array[$1::bigint], '{retryable}', '{null}', '{0}', '{}', '{}', '{}', '{}',
      '{}', 'channel', null)`,
    error: 'ErrNotPending',
    statuses: ['retryable'],
  },
  'clears the unit': {
    change: /* sql */ `update runutil.work_units set active = null, status = null, state = 'open' where id = $1 and active = $2`,
    error: 'ErrLostLease',
    statuses: ['pending'],
  },
  'deletes the unit': {
    change: /* sql */ `delete from runutil.work_units where id = $1 and active = $2`,
    error: 'ErrGone',
    statuses: undefined,
  },
}

describe('a call for an attempt that waits for another transaction, which', () => {
  let spec: WorkSpec
  let unit: WorkUnit
  let worker: CoordinateWorkerRecord
  let attempt: Attempt
  const fresh = serverDatabase(beforeEach)
  beforeEach(async () => {
    const namespace = await createCoordinate(new PostgresCoordinateStore(fresh.database)).namespace('n')
    spec = await namespace.setWorkSpec({ name: 'spec' })
    unit = await spec.addWorkUnit('unit', { own: true })
    worker = await namespace.worker('w')
    await namespace.worker('other')
    attempt = (await worker.requestAttempts())[0]!
  })

  const waiting = async (): Promise<void> => {
    const text = `select count(*)::integer from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    const [[count]] = (await fresh.database.query<[number]>({ text })) as [[number]]
    expect(count).toBe(1)
  }

  describe.each(Object.entries(changes))('%s', (_, { change, error, statuses }) => {
    it.each(Object.entries(calls))('changes nothing then: %s', async (name, call) => {
      const [[unitId, id]] = (await fresh.database.query<[string, string]>({
        text: 'select id, active from runutil.work_units',
      })) as [[string, string]]
      let late: Promise<unknown> | undefined
      await fresh.database.transaction(async (tx) => {
        await tx.query(change, [unitId, id])
        late = call(attempt).catch((thrown: Error) => thrown)
        await eventually(waiting)
      })
      expect(await late).toMatchObject({ name: error })
      if (statuses === undefined) return
      const attempts = await unit.attempts()
      expect(await Promise.all(attempts.map((each) => each.status()))).toEqual(statuses)
      // Of a lost one, what its renewal says is kept.
      const isKept = name === 'renew' && error === 'ErrLostLease'
      expect(await attempts[0]!.data()).toEqual(isKept ? { by: 'late' } : { own: true })
      expect(await unit.data()).toEqual({ own: true })
    })
  })

  it('makes it run again leaves to the next attempt what is its own', async () => {
    await attempt.retry({ nth: 1 })
    const [next] = await worker.requestAttempts()
    await expect(attempt.finish({ by: 'late' })).rejects.toMatchObject({ name: 'ErrNotPending' })
    await expect(attempt.renew('1h', { by: 'late' })).rejects.toMatchObject({ name: 'ErrNotPending' })
    await next!.finish({ nth: 2 })
    const attempts = await unit.attempts()
    expect(await Promise.all(attempts.map((each) => each.data()))).toEqual([{ nth: 1 }, { nth: 2 }])
    expect(await Promise.all(attempts.map((each) => each.status()))).toEqual(['retryable', 'finished'])
  })
})
