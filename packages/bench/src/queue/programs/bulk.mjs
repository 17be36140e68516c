// One call that enqueues `count` jobs, whose list is there already, in a process that has enqueued before, as one of a service has: calls
// of a tenth as many, of all contenders, have the engine compile what is measured.
import { contender, finish, options, payloads } from './task.mjs'

const producer = await contender.producer(options.url, options)
const WARM_UP_CALLS = 5
await producer.add({ n: 0 })
for (let call = 0; call < WARM_UP_CALLS; call++)
  await producer.addMany(producer.inputs(payloads(0, Math.ceil(options.count / 10))))
const given = producer.inputs(payloads(0, options.count))
const startedAt = performance.now()
await producer.addMany(given)
finish({ perSecond: options.count / ((performance.now() - startedAt) / 1e3) })
