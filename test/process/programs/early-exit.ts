// The first worker returns, though nobody told it to.
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
