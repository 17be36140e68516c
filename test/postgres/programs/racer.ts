// Enqueues, claims and ends jobs as it is told by messages, over one connection, and answers each.
import { openDatabase } from '../../../packages/runutil/src/postgres/database/open-database.ts'
import { PostgresJobStore } from '../../../packages/runutil/src/postgres/queue/postgres-job-store.ts'
import type { Answer, Order } from '../../support/queue/racers.ts'

const database = await openDatabase(process.argv.at(-1)!, { max: 1 })
const store = new PostgresJobStore(database)

process.on('message', async (order: Order) => {
  process.send!(await answer(order))
})
process.on('disconnect', () => process.exit())
await database.query({ text: 'select 1' })
process.send!({ ended: [] })

async function answer(order: Order): Promise<Answer> {
  try {
    if (order.do === 'enqueue') {
      return { enqueued: await store.insert(order.jobs, { onExists: order.onExists }) }
    }
    const jobs = await store.claim(order.kinds, order.limit, '1h')
    const settlements = jobs.map(({ id, kind, claim, place, attempt }) => ({
      ...{ id, kind, claim, place, attempt },
      outcome: { status: 'DONE' as const, result: undefined },
      durationMs: 1,
    }))
    const lost = await store.settle(settlements)
    return { ended: jobs.map(({ id, claim }) => ({ id, claim })), lost: lost.map(({ id }) => id) }
  } catch (error) {
    const { code, ids, message } = error as Error & { code?: string; ids?: readonly string[] }
    return { refused: { code, ids, message } }
  }
}
