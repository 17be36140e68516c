// Until 16 processes have answered: start-up.mjs <contender>; and what the pool then takes of this process's memory.
import { contenders } from './contenders.mjs'

const COUNT = 16
const warm = await contenders[process.argv[2]](1)
await warm.close()
global.gc()
const before = process.memoryUsage()
const begin = performance.now()
const pool = await contenders[process.argv[2]](COUNT)
const ms = performance.now() - begin
await Promise.all(Array.from({ length: COUNT * 4 }, () => pool.call('payload')))
await new Promise((resolve) => setTimeout(resolve, 100))
global.gc()
const after = process.memoryUsage()
const bytesEach = (after.heapUsed + after.external - before.heapUsed - before.external) / COUNT
await pool.close()
console.log(JSON.stringify({ ms, bytesEach }))
process.exit()
