// A worker that ignores the abort. The argument is the grace period.
import { type Duration, runAllWorkers, shutdownSignal } from 'runutil'
import { print } from './print.ts'

const stubborn = (signal: AbortSignal): Promise<void> => {
  signal.addEventListener('abort', () => print('aborted'), { once: true })
  setInterval(() => {}, 1_000)
  print('started')
  return new Promise(() => {})
}

const grace = process.argv[2] as Duration
await runAllWorkers([{ name: 'Stubborn', worker: stubborn }], shutdownSignal(), { grace })
print('not reached')
