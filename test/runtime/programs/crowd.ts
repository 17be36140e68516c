// Many workers that wait and listen on the one signal of their group. Prints how many of them stopped.
import { pino } from 'pino'
import { runAllWorkers, wait } from 'runutil'

const count = Number(process.argv[2])
const controller = new AbortController()
let stopped = 0
const worker = async (signal: AbortSignal): Promise<void> => {
  await Promise.all([wait('1h', signal), new Promise((resolve) => signal.addEventListener('abort', resolve))])
  stopped++
}
const run = runAllWorkers(Array<typeof worker>(count).fill(worker), controller.signal, {
  logger: pino({ level: 'warn' }),
})
setImmediate(() => controller.abort())
await run
console.log(`${stopped} stopped`)
