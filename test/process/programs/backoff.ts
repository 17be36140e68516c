// A worker that fails immediately and would be retried after an hour.
import { backoff, runAllWorkers, shutdownSignal } from 'runutil'
import { print } from './print.ts'

const failing = (): Promise<void> => Promise.reject(new Error('no connection'))

await runAllWorkers([{ name: 'Failing', worker: failing, retry: backoff('1h') }], shutdownSignal())
print('stopped')
