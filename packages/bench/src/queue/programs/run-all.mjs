// Runs whatever waits, until nothing has come for `quietMs`.
import { contender, finish, options } from './task.mjs'

if (contender.finishAll !== undefined) {
  await contender.finishAll(options.url)
  finish()
}
let ranAt = performance.now()
const stop = await contender.worker(options.url, options, () => (ranAt = performance.now()))
const looking = setInterval(async () => {
  if (performance.now() - ranAt < options.quietMs) return
  clearInterval(looking)
  await stop()
  finish()
}, 100)
