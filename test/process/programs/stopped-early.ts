// Receives its signal while it is still connecting to its dependencies.
import { runAllWorkers, shutdownSignal } from 'runutil'
import { print } from './print.ts'

const signal = shutdownSignal()
const connected = new Promise((resolve) => process.once('SIGTERM', () => setTimeout(resolve, 5)))
const connecting = setInterval(() => {}, 1_000)
print('connecting')
await connected
clearInterval(connecting)
await runAllWorkers([async () => print('worker started')], signal)
print('stopped')
