// Continues with something else when its workers have ended.
import { runAllJobs, runAllWorkers, shutdownSignal } from 'runutil'
import { aborted, print } from './print.ts'

// As in a container without an init process: this program is process 1.
if (process.argv[2] === 'as-first') Object.defineProperty(process, 'pid', { value: 1 })

const signal = shutdownSignal()
await runAllJobs([() => print('migrated')], signal)
const handlers = process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')
print(`${handlers} handlers`)
setInterval(() => {}, 1_000).unref()

if (process.argv[2] === 'second-run') {
  const worker = async (abort: AbortSignal): Promise<void> => {
    print('second run started')
    await aborted(abort)
  }
  await runAllWorkers([worker], signal)
  print('second run stopped')
} else {
  setInterval(() => {}, 1_000)
  print('serving')
}
