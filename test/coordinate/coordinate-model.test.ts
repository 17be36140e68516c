import fc from 'fast-check'
import { MemoryCoordinateStore } from 'runutil/coordinate'
import { PostgresCoordinateStore, migrate } from 'runutil/postgres'
import { describe, expect, it } from 'vitest'
import { kindsOfDatabase } from '../support/postgres/databases.ts'
import { Side, commands, sight, told } from '../support/coordinate/coordinate-commands.ts'

const RUNS = Number(process.env['COORDINATE_MODEL_RUNS'] ?? 20)

describe.each(kindsOfDatabase)('coordinate in $name', ({ open }) => {
  it('does whatever is asked of it as the one in memory does', { timeout: 600_000 }, async () => {
    const database = await open()
    await migrate(database)
    const opened = async (): Promise<[Side, Side]> => {
      await database.query({ text: 'truncate runutil.work_namespaces, runutil.work_past_attempts cascade' })
      return [
        await Side.open(new MemoryCoordinateStore()),
        await Side.open(new PostgresCoordinateStore(database)),
      ]
    }
    const idleInVain = `select s.name from runutil.work_specs as s where s.idle
      and exists (select from runutil.work_units as u where u.spec = s.id and u.state = 'open')`
    await fc.assert(
      fc.asyncProperty(commands, async (given) => {
        const [memory, stored] = await opened()
        for (const command of given) {
          expect(await told(() => command(stored)), String(command)).toEqual(
            await told(() => command(memory)),
          )
        }
        expect(await sight(stored)).toEqual(await sight(memory))
        expect(await database.query({ text: idleInVain })).toEqual([])
      }),
      { numRuns: RUNS, ...(process.env['SEED'] !== undefined && { seed: Number(process.env['SEED']) }) },
    )
    await database.close()
  })
})
