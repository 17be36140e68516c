// A search index that is brought up to date when a document has been quiet for five seconds, or a minute after its first change: many
// changes, few runs. A change during a run is a job of its own, so none is missed.
//
// prints:
//   0:45 index of document 2: version 1
//   1:00 index of document 1: version 60
//   1:34 index of document 1: version 90
//   91 changes, 3 runs
import { pino } from 'pino'
import { runAllWorkers } from 'runutil'
import { JobQueue, MemoryJobStore, QueueWorker } from 'runutil/queue'
import { VirtualClock } from 'runutil/testing'

// A virtual clock, to see minutes in milliseconds; without it, times are those of the store.
const clock = new VirtualClock()
const queue = new JobQueue(new MemoryJobStore({ clock }))
const versions = new Map<number, number>()
let changes = 0
let runs = 0

async function change(document: number): Promise<void> {
  changes++
  versions.set(document, (versions.get(document) ?? 0) + 1)
  await queue.enqueue(
    { kind: 'index', unique: `document-${document}`, payload: { document }, delay: '5s' },
    { onExists: 'replace', maxDelay: '1m' },
  )
}

const worker = new QueueWorker(queue).register('index', ({ payload }) => {
  const { document } = payload as { document: number }
  runs++
  console.log(`${time()} index of document ${document}: version ${versions.get(document)}`)
})
const stop = new AbortController()
const run = runAllWorkers([worker], stop.signal, { clock, logger: pino({ level: 'silent' }) })

for (let second = 0; second < 120; second++) {
  // Document 1 changes each second for a minute and a half, document 2 once.
  if (second < 90) await change(1)
  if (second === 40) await change(2)
  await clock.advance('1s')
}
stop.abort()
await run
console.log(`${changes} changes, ${runs} runs`)

function time(): string {
  const seconds = Math.floor(clock.elapsed() / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
