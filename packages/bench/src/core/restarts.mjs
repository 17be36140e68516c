// One measurement of a supervisor's restarts, in a process of its own: a worker that fails at once, without a delay.
// Prints { usEach }: CPU time of a restart.
import { pino } from 'pino'
import { StaticBackoff, runAllWorkers, supervise } from 'runutil'

const [siblings, restarts] = process.argv.slice(2).map(Number)
const logger = pino({ level: 'silent' })
const failure = new Error('fails at once')

await restarted(restarts / 10)
const usEach = await cpuOf(() => restarted(restarts))
console.log(JSON.stringify({ usEach }))
process.exit()

async function restarted(times) {
  const controller = new AbortController()
  let starts = 0
  const failing = () => {
    if (starts++ < times) throw failure
    controller.abort()
  }
  const idle = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  const workers = [
    { name: 'Failing', worker: failing, retry: new StaticBackoff(0) },
    ...Array.from({ length: siblings }, (_, at) => ({ name: `Idle${at}`, worker: idle })),
  ]
  await runAllWorkers([supervise(workers)], controller.signal, { logger })
}

async function cpuOf(work) {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / restarts
}
