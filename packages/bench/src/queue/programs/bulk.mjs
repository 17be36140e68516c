// One call that enqueues `count` jobs. One job before it opens the connection.
import { contender, finish, options, payloads } from './task.mjs'

const producer = await contender.producer(options.url, options)
await producer.add({ n: 0 })
const given = payloads(0, options.count)
const startedAt = performance.now()
await producer.addMany(given)
finish({ perSecond: options.count / ((performance.now() - startedAt) / 1e3) })
