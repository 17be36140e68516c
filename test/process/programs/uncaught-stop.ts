// An uncaught error, beside a worker that is slow to stop: uncaught-stop.ts <what> <uncaught> [grace].
import { backoff, repeat, runAllWorkers, shutdownSignal, wait } from 'runutil'
import { aborted, print } from './print.ts'

const [what = 'exception', uncaught = 'stop', grace = '30s'] = process.argv.slice(2)

const later = (body: () => void): void => void setTimeout(body, 1)
let hasFailed = false
const fail = (): void => {
  if (hasFailed) return
  hasFailed = true
  if (what.endsWith('rejection')) void Promise.reject(new Error('nobody caught this'))
  else
    later(() => {
      throw new Error('nobody caught this')
    })
}

async function careful(signal: AbortSignal): Promise<void> {
  print('careful started')
  await aborted(signal)
  print(`careful stops: ${(signal.reason as Error).name}`)
  if (what === 'twice')
    later(() => {
      throw new Error('nor this')
    })
  await wait(what === 'twice' || what === 'stuck' ? '1h' : '20ms')
  print('careful cleaned up')
}

if (what.startsWith('listened')) {
  const hear = (): void => {
    print('the tracker heard of it')
    if (uncaught !== 'crash') return
    print('the tracker exits')
    process.exit(1)
  }
  process.on('uncaughtException', hear)
  process.on('unhandledRejection', hear)
}
const signal = shutdownSignal({ uncaught: uncaught as 'stop' })
const careless = { name: 'Careless', worker: repeat('10ms', fail), retry: backoff('1s') }
try {
  await runAllWorkers([{ name: 'Careful', worker: careful }, careless], signal, { grace })
  print('resolved')
} catch (error) {
  const { errors, workers } = error as { errors: Error[]; workers: string[] }
  print(
    `rejected: ${(error as Error).name}: ${errors[0]!.name} of ${workers[0]}, caused by ${String(errors[0]!.cause)}`,
  )
}
