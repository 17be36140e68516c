// Runs `count` jobs that wait already, or what it can in `limitMs`. Timed from the first handler on, so that nobody pays
// for starting up, to the call of the last; with `untilStored` to when its result is stored.
import { contender, finish, options } from './task.mjs'

const { url, count, limitMs } = options
let ran = 0
let startedAt
let end
const ended = new Promise((resolve) => (end = resolve))

const stop = await contender.worker(url, options, () => {
  if (ran++ === 0) {
    startedAt = performance.now()
    setTimeout(end, limitMs)
  }
  if (ran === count) end()
})
await ended
let endedAt = performance.now()
const ranInTime = ran
await stop()
if (options.untilStored) endedAt = performance.now()
finish({ perSecond: (options.untilStored ? ran : ranInTime) / ((endedAt - startedAt) / 1e3), ran })
