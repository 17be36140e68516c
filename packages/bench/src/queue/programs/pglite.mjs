// runutil alone has a store in PGlite: enqueues `count` jobs and drains them, all in this process.
import { migrate, openDatabase } from 'runutil/postgres'
import { producerOf, workerOf } from '../contenders/runutil.mjs'
import { finish, options, payloads } from './task.mjs'

const { count } = options
const database = await openDatabase('memory:')
await migrate(database)
const producer = producerOf(database)
const inputs = producer.inputs(payloads(0, count))
const enqueuedAt = performance.now()
await producer.addMany(inputs)
const startedAt = performance.now()
let ran = 0
await new Promise((resolve) => {
  const stop = workerOf(database, options, () => {
    if (++ran === count) resolve(stop())
  })
})
const endedAt = performance.now()
finish({ enqueued: count / ((startedAt - enqueuedAt) / 1e3), drained: count / ((endedAt - startedAt) / 1e3) })
