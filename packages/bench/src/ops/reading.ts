// What a look costs: the state of so many workers, a patch with one change, and a list of replicas. Its arguments: how many workers,
// and how often each is measured.
import 'reflect-metadata'
import { performance } from 'node:perf_hooks'
import { pino } from 'pino'
import { Runtime, repeat, runAllWorkers } from '../../../runutil/src/index.ts'
import { systemClock } from '../../../runutil/src/core/clock-system.ts'
import { MemoryReplicaStore } from '../../../runutil/src/ops/replicas/memory-replica-store.ts'
import { type JsonObject, diff } from '../../../runutil/src/ops/events/patch.ts'
import { stateOf } from '../../../runutil/src/ops/views/state.ts'
import { median } from '../measure.ts'

const [workers = '100', times = '3'] = process.argv.slice(2)
const runtime = new Runtime()
const stop = new AbortController()
// One for the root.
const entries = Array.from({ length: Number(workers) - 1 }, (_, at) => {
  return { name: `Worker${at}`, worker: repeat('1h', () => {}) }
})
const run = runAllWorkers(entries, stop.signal, { runtime, logger: pino({ level: 'silent' }) })
await runtime.ready()

const read = (): JsonObject => stateOf(runtime, 'here', systemClock) as unknown as JsonObject
const state = read()
const changed = structuredClone(state) as { workers: Record<string, { runs: number }> }
changed.workers['/Worker7']!.runs++
const after = changed as unknown as JsonObject
const replicas = new MemoryReplicaStore()
for (let at = 0; at < 20; at++) {
  const facts = {
    id: `r${at}`,
    name: 'bench',
    host: `host-${at}`,
    pid: at,
    version: '0',
    startedAt: new Date(),
  }
  await replicas.beat({ ...facts, state })
}
const listed = await replicas.list()
const result = {
  stateMs: await medianMs(read),
  stateBytes: bytesOf(state),
  encodeMs: await medianMs(() => JSON.stringify(state)),
  patchMs: await medianMs(() => diff(state, after)),
  patchBytes: bytesOf(diff(state, after)),
  replicasMs: await medianMs(() => replicas.list()),
  replicasBytes: bytesOf(listed),
}
stop.abort()
await run
console.log(JSON.stringify(result))

async function medianMs(call: () => unknown): Promise<number> {
  const measured: number[] = []
  for (let at = 0; at < Number(times); at++) {
    const begin = performance.now()
    await call()
    measured.push(performance.now() - begin)
  }
  return median(measured)
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
