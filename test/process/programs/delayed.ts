// Keeps running after the shutdown signal for as long as its argument says.
import { type Duration, repeat, runAllWorkers, shutdownSignal } from 'runutil'
import { print } from './print.ts'

let told = false
process.on('SIGTERM', () => {
  told = true
  print('told to stop')
})
const work = repeat('5ms', () => print(told ? 'working after SIGTERM' : 'working'))

await runAllWorkers([work], shutdownSignal({ delay: process.argv[2] as Duration }))
print('stopped')
