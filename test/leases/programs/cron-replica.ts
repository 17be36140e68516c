// A replica whose clock is wrong: cron-replica.ts <url> <ms>. Prints each instant that it runs, until it is told to stop.
import { type Clock, currentRun, runAllWorkers, shutdownSignal, systemClock } from 'runutil'
import { distributedCron } from 'runutil/leases'
import { PostgresLeaseStore, openDatabase } from 'runutil/postgres'

const [url, apartMs] = process.argv.slice(2)
const clock: Clock = {
  now: () => systemClock.now() + Number(apartMs),
  elapsed: () => systemClock.elapsed(),
  random: () => systemClock.random(),
  setTimeout: (callback, ms) => systemClock.setTimeout(callback, ms),
  setTimeoutAt: (callback, ms) => systemClock.setTimeoutAt(callback, ms),
}

const database = await openDatabase(url!)
const worker = distributedCron(new PostgresLeaseStore(database), 'tick', '* * * * * *', () => {
  process.stdout.write(`ran ${currentRun()!.scheduledFor.toISOString()}\n`)
})
await runAllWorkers([worker], shutdownSignal(), { clock })
await database.close()
