// A pool in a process of its own: parent.mjs <options> <task>. Prints the pids of its workers, one of which has the task.
import { ProcessPool } from 'runutil/pool'

const [options, task] = process.argv.slice(2)
const pool = new ProcessPool(JSON.parse(options))
await pool.start()
if (task !== undefined) pool.exec(task).catch(() => {})
console.log(JSON.stringify(pool.workers.map(({ pid }) => pid)))
setInterval(() => {}, 2 ** 30)
