// The first worker returns although its signal has not aborted.
import { runAllWorkers, shutdownSignal } from 'runutil'
import { aborted, print } from './print.ts'

const early = async (): Promise<void> => {}
const loyal = async (signal: AbortSignal): Promise<void> => {
  await aborted(signal)
  await new Promise((resolve) => setImmediate(resolve))
  print('loyal cleaned up')
}

await runAllWorkers(
  [
    { name: 'Early', worker: early },
    { name: 'Loyal', worker: loyal },
  ],
  shutdownSignal(),
)
print('not reached')
