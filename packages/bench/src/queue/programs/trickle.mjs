// Enqueues one job at a time with a pause after each, its time in its payload.
import { contender, finish, now, options } from './task.mjs'

const { count, warmUp, pauseMs } = options
const producer = await contender.producer(options.url, options)
for (let made = 0; made < warmUp + count; made++) {
  // Not in step with anybody's timer.
  await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())))
  await producer.add({ at: String(now()) })
}
finish()
