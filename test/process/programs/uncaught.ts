// An error thrown outside of the workers, while they run.
import { runAllWorkers, shutdownSignal } from 'runutil'
import { aborted, print } from './print.ts'

setTimeout(() => {
  throw new Error('thrown in a timer')
}, 1)
await runAllWorkers([aborted], shutdownSignal())
print('not reached')
