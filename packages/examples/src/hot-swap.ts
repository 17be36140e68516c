// The processes of a busy pool are replaced, as after an update of their program: new processes start first, old ones finish
// their task, and no caller notices.
//
// prints:
//   3 processes of version 1
//   version 2 is out, while 8 callers go on
//   3 processes of version 2
//   tasks lost: 0
import { fileURLToPath } from 'node:url'
import { ProcessPool } from 'runutil/pool'
import { serve } from 'runutil/pool/child'

// One file for both sides: with RR_RELAY set, this is a process of the pool.
if (process.env['RR_RELAY'] === undefined) await main()
else await serve(() => process.env['VERSION'] ?? '')

async function main(): Promise<void> {
  let version = 1
  const args = [...process.execArgv, fileURLToPath(import.meta.url)]
  const command = () => ({ command: process.execPath, args, env: { VERSION: `${version}` } })
  const pool = new ProcessPool({ command, numWorkers: 3 })
  await pool.start()
  console.log(`${pool.workers.length} processes of version ${await ask(pool)}`)

  let isOver = false
  let lost = 0
  const callers = Array.from({ length: 8 }, async () => {
    while (!isOver) await ask(pool).catch(() => lost++)
  })
  version = 2
  console.log('version 2 is out, while 8 callers go on')
  await pool.reset()
  console.log(`${pool.workers.length} processes of version ${await ask(pool)}`)
  isOver = true
  await Promise.all(callers)
  console.log(`tasks lost: ${lost}`)
  await pool.destroy()
}

async function ask(pool: ProcessPool): Promise<string> {
  const { body } = await pool.exec('which version?')
  return Buffer.from(body!).toString()
}
