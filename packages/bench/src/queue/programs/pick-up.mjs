// A worker on an idle queue: for each job the time from before it was enqueued, in another process, to its handler.
import { contender, finish, now, options } from './task.mjs'

const { count, warmUp } = options
const latenciesMs = []
await contender.worker(options.url, options, ({ at }) => {
  latenciesMs.push(Number(now() - BigInt(at)) / 1e6)
  if (latenciesMs.length < warmUp + count) return
  const sorted = latenciesMs.slice(warmUp).sort((a, b) => a - b)
  const at_ = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  finish({ p50: at_(0.5), p99: at_(0.99) })
})
console.log('ready')
