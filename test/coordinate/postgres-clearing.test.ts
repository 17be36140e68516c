import { createCoordinate } from 'runutil/coordinate'
import { PostgresCoordinateStore } from 'runutil/postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { migratedDatabase } from '../support/postgres/migrated-database.ts'

// By the database's clock, where a process brings states up to date only now and then.
describe.each(kindsOfDatabase)('a unit whose delay is over, in $name', ({ open }) => {
  const fresh = migratedDatabase(beforeAll, open)

  const past = new Date(2000, 0)
  it.each([
    ['cleared', 'clearActiveAttempt'],
    ['cleared with others', 'clearWorkUnits'],
    ['retried with others', 'retryWorkUnits'],
    ['given another time that is over', 'setMeta'],
  ] as const)('is available at once when it is %s', async (_, call) => {
    const namespace = await createCoordinate(new PostgresCoordinateStore(fresh.database)).namespace(call)
    const spec = await namespace.setWorkSpec({ name: 'spec' })
    const unit = await spec.addWorkUnit('u', {}, { notBefore: past })
    const worker = await namespace.worker('w')
    const [attempt] = await worker.requestAttempts()
    if (call === 'retryWorkUnits') await attempt!.fail()
    if (call === 'setMeta') {
      await unit.setMeta({ notBefore: new Date('2999-01-01') })
      await attempt!.expire()
      await unit.setMeta({ notBefore: past })
    } else if (call === 'clearActiveAttempt') await unit.clearActiveAttempt()
    else await spec[call]()
    expect(await worker.requestAttempts()).toHaveLength(1)
  })
})
