// Blocks its event loop in the way that its argument names, or not, watched by a loopMonitor.
import { execFileSync } from 'node:child_process'
import { repeat, runAllWorkers } from 'runutil'
import { loopMonitor } from '../../../packages/runutil/src/ops/probes/loop-monitor.ts'

const way = process.argv[2]
const stop = new AbortController()
let runs = 0

async function blockForever(): Promise<never> {
  // After an await, no code of runutil is on the stack.
  await Promise.resolve()
  console.log('blocked')
  for (;;);
}

async function run(): Promise<void> {
  runs++
  if (runs === 3 && way === 'javascript') await blockForever()
  if (runs === 3 && way === 'native') execFileSync('sleep', ['100'])
  if (runs === 3) console.log('turns')
  if (runs === 25) stop.abort()
}

await runAllWorkers(
  [
    loopMonitor({ exitAfter: '1s' }),
    { name: 'Other', worker: repeat('1h', () => {}, { startImmediately: true }) },
    { name: 'Blocker', worker: repeat('100ms', run) },
  ],
  stop.signal,
)
console.log('ended')
