// Runs `count` jobs that wait already. Timed from the first handler on, so that nobody pays for starting up, to the call
// of the last; with `untilStored` to when its result is stored.
import { contender, finish, options } from './task.mjs'

const { url, count } = options
let ran = 0
let startedAt
let drained
const ended = new Promise((resolve) => (drained = resolve))

const stop = await contender.worker(url, options, () => {
  if (ran === 0) startedAt = performance.now()
  if (++ran === count) drained(performance.now())
})
let endedAt = await ended
if (options.untilStored) {
  await stop()
  endedAt = performance.now()
}
finish({ perSecond: count / ((endedAt - startedAt) / 1e3) })
