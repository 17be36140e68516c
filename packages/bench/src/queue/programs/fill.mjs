// Enqueues `count` jobs, at once or `each` a call; due now, or in a year with `later`; with `chain`, each but the first of so many runs
// after the one before it.
import { contender, finish, options, payloads } from './task.mjs'

const { count, chain, each = 10_000, later = false } = options
const producer = await contender.producer(options.url, options)
for (let from = 0; from < count; from += each) {
  const given = payloads(from, Math.min(each, count - from))
  if (chain !== undefined) {
    const chains = Array.from({ length: Math.ceil(given.length / chain) }, (_, at) =>
      given.slice(at * chain, (at + 1) * chain),
    )
    await producer.addChains(chains)
    continue
  }
  const runAt = later ? new Date(Date.now() + 365 * 86_400_000) : undefined
  await producer.addMany(producer.inputs(given, runAt))
}
await producer.close()
finish()
