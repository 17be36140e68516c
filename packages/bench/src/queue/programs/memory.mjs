// The heap of a worker while it drains `count` jobs, after a collection every `every`.
import { contender, finish, options } from './task.mjs'

const { count, every } = options
const heapMb = []
let ran = 0
await contender.worker(options.url, options, () => {
  if (++ran % every === 0) {
    gc()
    heapMb.push(process.memoryUsage().heapUsed / 2 ** 20)
  }
  if (ran === count) finish({ heapMb, rssMb: process.memoryUsage().rss / 2 ** 20 })
})
