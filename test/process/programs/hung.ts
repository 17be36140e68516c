// A worker that hangs and keeps a handle open, beside one that stops cleanly: hung.ts <shutdown | plain>. The error is caught.
import { WorkerHungError, backoff, runAllWorkers, shutdownSignal } from 'runutil'
import { aborted, print } from './print.ts'

const [kind = 'shutdown'] = process.argv.slice(2)

async function careful(signal: AbortSignal): Promise<void> {
  await aborted(signal)
  print(`careful stops: ${(signal.reason as Error).name}`)
  await new Promise((resolve) => setTimeout(resolve, 20))
  print('careful cleaned up')
}

function hangs(signal: AbortSignal): Promise<void> {
  setInterval(() => {}, 1_000)
  signal.addEventListener('abort', () => print(`told to end: ${(signal.reason as Error).name}`), {
    once: true,
  })
  return new Promise(() => {})
}

const workers = [
  { name: 'Careful', worker: careful },
  { name: 'Hangs', worker: hangs, watchdog: '100ms', stopTimeout: '100ms', retry: backoff(0) },
] as const
const signal = kind === 'shutdown' ? shutdownSignal() : new AbortController().signal
try {
  await runAllWorkers(workers, signal)
  print('resolved')
} catch (error) {
  const { errors, workers: names } = error as { errors: Error[]; workers: string[] }
  print(`rejected: ${names.join()} ${errors[0] instanceof WorkerHungError}`)
}
const since = performance.now()
process.on('exit', (code) =>
  print(`exits with ${code} ${performance.now() - since <= 1_000 ? 'in time' : 'late'}`),
)
setTimeout(() => print('still there'), 1_500)
