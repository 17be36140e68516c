// `callers` enqueue one job after another, each awaiting its own, for `ms` after half as long to warm up; with `unique`, each job with a
// key that no other has.
import { contender, finish, options } from './task.mjs'

const { callers, ms, unique = false } = options
const producer = await contender.producer(options.url, options)
let added = 0
let ending = false

const all = Array.from({ length: callers }, call)
await sleep(ms / 2)
const [startedAt, addedBefore] = [performance.now(), added]
await sleep(ms)
const perSecond = (added - addedBefore) / ((performance.now() - startedAt) / 1e3)
ending = true
await Promise.all(all)
finish({ perSecond })

async function call() {
  while (!ending) {
    const n = added++
    await (unique ? producer.addUnique({ n }, `key-${n}`) : producer.add({ n }))
  }
}

function sleep(delayMs) {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
