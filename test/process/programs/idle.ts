// Two workers that only wait, and keep no handle open.
import { type ShutdownRequestedError, runAllWorkers, shutdownSignal } from 'runutil'
import { aborted, print } from './print.ts'

const idle = (name: string) => ({
  name,
  worker: async (signal: AbortSignal) => {
    print(`${name} started`)
    await aborted(signal)
    print(`${name} cleaned up`)
  },
})

// Fires only if something else keeps the process alive.
setTimeout(() => print('still alive'), 100).unref()

const signal = shutdownSignal()
await runAllWorkers([idle('a'), idle('b')], signal)
print((signal.reason as ShutdownRequestedError).message)
