// A group with a pool and a task that takes a second; prints the worker's pid, then what became of the task.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { runAllWorkers, shutdownSignal } from 'runutil'
import { ProcessPool } from 'runutil/pool'

const program = fileURLToPath(new URL('node.mjs', import.meta.url))
const pool = new ProcessPool({ command: [process.execPath, program], numWorkers: 1 })

async function caller(signal) {
  const [worker] = await new Promise((resolve) => pool.on('created', (...args) => resolve(args)))
  const task = pool.exec('slow 1000')
  console.log(worker.pid)
  console.log(
    await task.then(
      () => 'task done',
      (error) => `task failed: ${error.message}`,
    ),
  )
  if (!signal.aborted) await once(signal, 'abort')
}

await runAllWorkers([{ name: 'Pool', worker: pool }, caller], shutdownSignal(), {
  logger: pino({ level: 'silent' }),
})
process.exit(0)
