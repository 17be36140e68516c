// Prints when its worker has reached a state, in which the test stops it: states.ts <starting | restarting | stopping | joint>.
import { type DeclarativeWorker, Runtime, backoff, runAllWorkers, shutdownSignal, supervise } from 'runutil'
import { aborted, print } from './print.ts'

const [state = 'starting'] = process.argv.slice(2)

async function idle(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await aborted(signal)
}

async function slow(signal: AbortSignal): Promise<void> {
  await idle(signal)
  await new Promise((resolve) => setTimeout(resolve, 500))
  print('slow cleaned up')
}

async function fails(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 10))
  throw new Error('no connection')
}

const late = { name: 'Worker', worker: slow, startTimeout: '1h' } as const
const ways: Record<string, DeclarativeWorker[]> = {
  starting: [late, { name: 'After', worker: () => print('never'), after: 'Worker' }],
  restarting: [{ name: 'Worker', worker: fails, retry: backoff('1h') }],
  stopping: [{ name: 'Worker', worker: slow }],
  joint: [
    {
      name: 'Sup',
      worker: supervise(
        [
          { name: 'Fails', worker: fails },
          { name: 'Worker', worker: slow },
        ],
        { strategy: 'one_for_all', retry: backoff('1h') },
      ),
    },
  ],
}
const runtime = new Runtime()
runtime.on(({ path, type }) => {
  if (path.endsWith('/Worker') && type !== 'failed') print(`worker: ${type}`)
  if (path.endsWith('/Worker') && type === 'ready' && state === 'stopping') void runtime.stop(path)
})
await runAllWorkers([...ways[state]!, { name: 'Other', worker: idle }], shutdownSignal(), { runtime })
print('the run is over')
