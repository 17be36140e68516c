import { type WorkSpec, type WorkUnit, createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore } from 'runutil/postgres'
import { beforeEach, describe, expect, it } from 'vitest'
import { serverDatabase } from '../support/postgres/migrated-database.ts'
import { waitingFor } from '../support/postgres/waiting.ts'

/** A finished unit is added again, in a transaction that stays open while a call that chose it waits. */
describe('a unit that no longer has the status asked for when a call gets to it', () => {
  let spec: WorkSpec
  let unit: WorkUnit
  const fresh = serverDatabase(beforeEach)
  beforeEach(async () => {
    const namespace = await createCoordinate(new PostgresCoordinateStore(fresh.database)).namespace(
      'namespace',
    )
    spec = await namespace.setWorkSpec({ name: 'spec' })
    unit = await spec.addWorkUnit('u', {}, { priority: 1 })
    const [attempt] = await (await namespace.worker('w')).requestAttempts()
    await attempt!.finish()
  })

  const finished = { statuses: ['finished' as const] }
  it.each<[string, () => Promise<unknown>]>([
    ['deleteWorkUnits', () => spec.deleteWorkUnits(finished)],
    ['clearWorkUnits', () => spec.clearWorkUnits(finished)],
    ['setWorkUnitPriorities', () => spec.setWorkUnitPriorities(finished, 5)],
    ['adjustWorkUnitPriorities', () => spec.adjustWorkUnitPriorities(finished, 5)],
  ])('is left alone by %s', async (_, call) => {
    await fresh.client.query('begin')
    await fresh.client
      .query(`select runutil.add_work_units(id, '{u}', '{"{}"}', '{1}', '{null}', 'none', null)
      from runutil.work_specs`)
    const calling = call()
    await waitingFor('transactionid', fresh.url)
    await fresh.client.query('commit')
    expect((await calling) ?? 0).toBe(0)
    expect(await unit.overview()).toMatchObject({ status: 'available', priority: 1, numAttempts: 1 })
  })
})
