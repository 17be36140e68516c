// Calls that enqueue `count` jobs each, whose list is there already, in a process that has enqueued before, as one of a service has: calls
// of a tenth as many, of all contenders, have the engine compile what is measured. The first call of its size still makes the memory of
// process and server grow, and a collection falls into it.
import { contender, finish, options, payloads } from './task.mjs'

const producer = await contender.producer(options.url, options)
const WARM_UP_CALLS = 5
await producer.add({ n: 0 })
for (let call = 0; call < WARM_UP_CALLS; call++)
  await producer.addMany(producer.inputs(payloads(0, Math.ceil(options.count / 10))))
const perSecond = []
for (let call = 0; call < options.calls; call++) {
  const given = producer.inputs(payloads(0, options.count))
  const startedAt = performance.now()
  await producer.addMany(given)
  perSecond.push(options.count / ((performance.now() - startedAt) / 1e3))
}
finish({ perSecond })
