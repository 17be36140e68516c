import { actionLedgerConformance } from 'runutil/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type LedgerMaker, kindsOfLedger } from '../support/dispatch/action-ledgers.ts'

describe.each(kindsOfLedger)('a ledger in $name:', ({ open }) => {
  let maker: LedgerMaker
  beforeAll(async () => void (maker = await open()))
  afterAll(() => maker?.close())

  it.each(Object.entries(actionLedgerConformance))('%s', async (_, check) => {
    await check(await maker.fresh())
  })
})
