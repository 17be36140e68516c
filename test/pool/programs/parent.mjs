// A pool in a process of its own: parent.mjs <options> <task>. Prints the pids of its workers, all of which are given the
// task, and of what they have started. Ends by the environment's WAY when something comes on stdin.
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { ProcessPool } from 'runutil/pool'

const [options, task] = process.argv.slice(2)
const pool = new ProcessPool(JSON.parse(options))
await pool.start()
const pids = pool.workers.map(({ pid }) => pid)
if (task !== undefined) for (const worker of pool.workers) worker.exec(task).catch(() => {})
if (task?.includes('child'))
  while (childrenOf(pids).length < pids.length) await new Promise((resolve) => setTimeout(resolve, 20))
console.log(JSON.stringify([...pids, ...(task?.includes('child') ? childrenOf(pids) : [])]))
setInterval(() => {}, 2 ** 30)

process.stdin.resume()
if (process.env.WAY !== undefined) {
  await once(process.stdin, 'data')
  if (process.env.WAY === 'throw') throw new Error('nobody catches this')
  if (process.env.WAY === 'exit') process.exit(0)
  let signals = 0
  process.on('SIGINT', () => (++signals === 2 ? process.exit(16) : process.kill(process.pid, 'SIGINT')))
  process.kill(process.pid, 'SIGINT')
}

function childrenOf(parents) {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => parents.includes(Number(/^PPid:\s*(\d+)/m.exec(status(pid))?.[1])))
    .map(Number)
}

function status(pid) {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return ''
  }
}
