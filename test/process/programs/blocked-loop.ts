// One worker blocks the event loop for longer than another's watchdog and startTimeout.
import { backoff, repeat, runAllWorkers, shutdownSignal } from 'runutil'
import { aborted, print } from './print.ts'

let hasBlocked = false
function block(): void {
  if (hasBlocked) return
  hasBlocked = true
  print('blocks')
  const until = performance.now() + 1_500
  while (performance.now() < until);
  print('blocked for 1500 ms')
}

async function starts(signal: AbortSignal): Promise<void> {
  await aborted(signal)
  print(`starting one stops: ${(signal.reason as Error).name}`)
}

await runAllWorkers(
  [
    { name: 'Blocks', worker: repeat('100ms', block) },
    { name: 'Watched', worker: repeat('100ms', () => {}), watchdog: '700ms', retry: backoff(0) },
    { name: 'Starts', worker: starts, startTimeout: '1s' },
  ],
  shutdownSignal(),
)
print('the run is over')
