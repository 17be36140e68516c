// Enqueues `count` jobs, at once or `each` a call; due now, or in a year with `later`.
import { contender, finish, options, payloads } from './task.mjs'

const { count, each = 10_000, later = false } = options
const producer = await contender.producer(options.url, options)
for (let from = 0; from < count; from += each) {
  const runAt = later ? new Date(Date.now() + 365 * 86_400_000) : undefined
  await producer.addMany(payloads(from, Math.min(each, count - from)), runAt)
}
await producer.close()
finish()
