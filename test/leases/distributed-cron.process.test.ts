import { migrate, openDatabase } from 'runutil/postgres'
import { expect, it } from 'vitest'
import { Child } from '../support/child.ts'
import { freshDatabase } from '../support/postgres/databases.ts'

it('two processes with clocks 10 s apart run each instant of a real server once', async () => {
  const { url, drop } = await freshDatabase()
  const database = await openDatabase(url)
  await migrate(database)
  await database.close()
  const replicas = ['0', '10000'].map((apartMs) => new Child('leases/programs/cron-replica', url, apartMs))
  await Promise.race(replicas.map((replica) => replica.printed('ran ')))
  const second = (text: string): number => Date.parse(text.slice('ran '.length)) / 1_000
  const ran = (): number[] =>
    replicas.flatMap((replica) => replica.printedLines.filter((line) => line.startsWith('ran ')).map(second))
  await expect.poll(() => ran().length).toBeGreaterThanOrEqual(8)
  for (const replica of replicas) replica.kill('SIGTERM')
  for (const { exit } of replicas) expect(await exit).toMatchObject({ code: 0 })
  const seconds = ran().sort((a, b) => a - b)
  expect(new Set(seconds).size).toBe(seconds.length)
  // By the clock of the server, which is that of this machine, not by the clock that is ahead.
  expect(Math.max(...seconds) * 1_000).toBeLessThanOrEqual(Date.now())
  await drop()
})
