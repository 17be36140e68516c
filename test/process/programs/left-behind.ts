// A run without a shutdownSignal abandons a worker that never ends: left-behind.ts <supervise | run | jobs | lone>.
// Nothing else keeps the process alive.
import { type Worker, runAllJobs, runAllWorkers, supervise } from 'runutil'
import { print } from './print.ts'

const [within = 'lone'] = process.argv.slice(2)

const never = (): Promise<void> => new Promise(() => {})
const worker: Worker = {
  run: {
    supervise: (signal: AbortSignal) => supervise([supervise([never])]).run(signal),
    run: (signal: AbortSignal) => runAllWorkers([never], signal),
    jobs: (signal: AbortSignal) => runAllJobs([never], signal),
    lone: never,
  }[within]!,
}
const stop = new AbortController()
setTimeout(() => stop.abort(), 50)
process.on('exit', (code) => print(`exits with ${code}`))
try {
  await runAllWorkers([{ name: 'Held', worker, stopTimeout: 50 }], stop.signal)
  print('resolved')
} catch (error) {
  print(`rejected: ${(error as Error).message}`)
}
