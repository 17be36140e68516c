// Fails after the shutdown signal, long before the delay is over, and handles the failure.
import { runAllWorkers, shutdownSignal } from 'runutil'
import { print } from './print.ts'

const failing = async (): Promise<void> => {
  const told = new Promise((resolve) => process.once('SIGTERM', resolve))
  print('started')
  await told
  throw new Error('lost the connection')
}

await runAllWorkers([failing], shutdownSignal({ delay: '1h' })).catch((error: Error) => print(error.message))
print('the run is over')
