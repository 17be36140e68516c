// The program of each process of the pool in orders.ts: it makes small pictures, and dies of some.
import { setTimeout } from 'node:timers/promises'
import { serve } from 'runutil/pool/child'

await serve(async ({ body }) => {
  const { order } = JSON.parse(Buffer.from(body ?? []).toString()) as { order: number }
  await setTimeout(400)
  if (order % 20 === 0) process.exit(1)
  return JSON.stringify({ width: 200, height: 150 })
})
