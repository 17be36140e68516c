// A worker that blocks the event loop once for <ms>, beside one whose job never runs: blocked-loop.ts <ms>. With `before` behind it, the
// loop is blocked after another run and before this one.
import { repeat, runAllWorkers, shutdownSignal } from 'runutil'

let blockMs = Number(process.argv[2])
const block = (): void => {
  for (const until = performance.now() + blockMs; performance.now() < until;);
  blockMs = 0
}
if (process.argv[3] === 'before') {
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 500)
  await runAllWorkers([repeat('1h', () => {})], stop.signal)
  block()
}
setTimeout(() => process.stdout.write('eleven seconds\n'), 11_000).unref()
process.stdout.write('started\n')
const workers = [
  { name: 'Blocking', worker: repeat('1s', block) },
  { name: 'Never', worker: repeat('1h', () => {}) },
]
await runAllWorkers(workers, shutdownSignal())
