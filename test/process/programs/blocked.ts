// Blocks the event loop when its signal aborts, so that a second signal is handled long after it was sent.
import { runAllWorkers, shutdownSignal } from 'runutil'
import { aborted, print } from './print.ts'

const worker = async (signal: AbortSignal): Promise<void> => {
  print('working')
  await aborted(signal)
  print('told to stop')
  const until = performance.now() + 800
  while (performance.now() < until);
  print('blocked for 800 ms')
  await new Promise((resolve) => setTimeout(resolve, 100))
  print('stopped')
}

await runAllWorkers([worker], shutdownSignal())
