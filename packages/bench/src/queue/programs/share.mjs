// Runs what waits, beside other processes that do so too, until nothing has come for `quietMs`. Its times are those of a clock that
// all processes of a machine share, in ns.
import { contender, finish, now, options } from './task.mjs'

let ran = 0
let from
let to
let ranAt = performance.now()
const stop = await contender.worker(options.url, options, () => {
  ran++
  from ??= now()
  to = now()
  ranAt = performance.now()
})
const looking = setInterval(async () => {
  if (performance.now() - ranAt < options.quietMs) return
  clearInterval(looking)
  await stop()
  finish({ ran, from: `${from ?? 0}`, to: `${to ?? 0}` })
}, 100)
