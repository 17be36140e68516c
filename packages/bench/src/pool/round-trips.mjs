// Round trips a second, and the CPU time of one: round-trips.mjs <contender> <processes> <callers> <bytes> <ms>
import { fileURLToPath } from 'node:url'
import { BareLoop } from './bare-loop.mjs'
import { contenders } from './contenders.mjs'
import { cpuTime } from './cpu-time.mjs'

const [contender, ...numbers] = process.argv.slice(2)
const [processes, callers, bytes, durationMs] = numbers.map(Number)
const payload = Buffer.alloc(bytes, 'payload')
console.log(JSON.stringify(contender.startsWith('bare') ? await bare() : await pool()))
process.exit()

async function bare() {
  const worker = contender === 'bare, child of runutil' ? 'echo-serve.mjs' : 'echo-bare.mjs'
  const loop = new BareLoop(fileURLToPath(new URL(worker, import.meta.url)), processes)
  await loop.start()
  const count = async (ms) => {
    let done = 0
    const until = performance.now() + ms
    await loop.run(payload, () => (done++, performance.now() < until))
    return done
  }
  return measure(count, () => loop.stop())
}

async function pool() {
  const { call, close } = await contenders[contender](processes)
  const count = async (ms) => {
    let done = 0
    const until = performance.now() + ms
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (performance.now() < until) {
          await call(payload)
          done++
        }
      }),
    )
    return done
  }
  return measure(count, close)
}

async function measure(count, close) {
  await count(durationMs / 2)
  const cpuBefore = cpuTime()
  const begin = performance.now()
  const done = await count(durationMs)
  const perSecond = (done * 1000) / (performance.now() - begin)
  const cpuMicros = (cpuTime() - cpuBefore) / done
  await close()
  return { perSecond, cpuMicros }
}
