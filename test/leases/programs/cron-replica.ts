// A replica whose clock is off by <ms>: cron-replica.ts <url> <ms>. Prints each instant that it runs, until SIGTERM.
import { currentRun, runAllWorkers, shutdownSignal, systemClock } from 'runutil'
import { distributedCron } from 'runutil/leases'
import { PostgresLeaseStore, openDatabase } from 'runutil/postgres'
import { offsetClock } from '../../support/offset-clock.ts'

const [url, apartMs] = process.argv.slice(2)
const clock = offsetClock(systemClock, Number(apartMs))

const database = await openDatabase(url!)
const worker = distributedCron(new PostgresLeaseStore(database), 'tick', '* * * * * *', () => {
  process.stdout.write(`ran ${currentRun()!.scheduledFor.toISOString()}\n`)
})
await runAllWorkers([worker], shutdownSignal(), { clock })
await database.close()
