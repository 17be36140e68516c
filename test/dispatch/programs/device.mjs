// A process with devices: device.mjs <url> <host> <target>…. What a task asks for: { echo }, { throw }, { hang: true }.
// Says which it has begun. Runs until it is killed, or told to stop.
import { runAllWorkers, shutdownSignal, wait } from 'runutil'
import { Manager } from 'runutil/dispatch'
import { PostgresActionLedger, openDatabase } from 'runutil/postgres'

const [url, host, ...targets] = process.argv.slice(2)
const lease = process.env.LEASE ?? '2s'
const open = () => openDatabase(url).catch(() => wait('100ms').then(open))
const database = await open()
const manager = new Manager({
  operation: 'test',
  ledger: new PostgresActionLedger(database, { lease }),
  gracePeriod: '2s',
})

const handler = async ({ action, input, target }, signal) => {
  console.log(`${target} begins ${JSON.stringify(input)}`)
  if (input.hang) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  if (input.throw) throw new Error(input.throw)
  await manager.update({ id: action, output: { by: process.pid, echo: input.echo } })
}

const registered = targets.map((target) => manager.workers.register(host, target, handler))
for (const { ready, target } of registered)
  ready.then(
    () => console.log(`${target} is live`),
    () => {},
  )
await runAllWorkers([{ name: 'Manager', worker: manager }], shutdownSignal())
await database.close()
