// Forgets to close its server.
import { createServer } from 'node:net'
import { runAllWorkers, shutdownSignal } from 'runutil'
import { aborted, print } from './print.ts'

createServer().listen(0, '127.0.0.1')
const worker = async (signal: AbortSignal): Promise<void> => {
  print('working')
  await aborted(signal)
}

await runAllWorkers([worker], shutdownSignal())
print('stopped')
