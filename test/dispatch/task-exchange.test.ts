import { taskExchangeConformance } from 'runutil/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type LedgerMaker, kindsOfLedger } from '../support/dispatch/action-ledgers.ts'

describe.each(kindsOfLedger)('the exchange of a ledger in $name:', ({ name, open }) => {
  let maker: LedgerMaker
  beforeAll(async () => void (maker = await open()))
  afterAll(() => maker?.close())

  it.each(Object.entries(taskExchangeConformance))('%s', async (_, check) => {
    const context = await maker.fresh()
    // A file is for one process, so nobody else has its workers.
    await check(name === 'JSON lines' ? { ...context, again: async () => context.ledger } : context)
  })
})
