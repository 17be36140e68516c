import fc from 'fast-check'
import { MemoryActionLedger } from 'runutil/dispatch'
import { describe, expect, it } from 'vitest'
import { kindsOfLedger } from '../support/dispatch/action-ledgers.ts'
import { DispatchSide, dispatchCommands } from '../support/dispatch/ledger-commands.ts'

const RUNS = Number(process.env['DISPATCH_MODEL_RUNS'] ?? 10)

describe.each(kindsOfLedger.filter(({ name }) => name !== 'memory'))('dispatch on $name', ({ open }) => {
  it('does whatever is asked of it as in memory', { timeout: 600_000 }, async () => {
    const maker = await open()
    await fc.assert(
      fc.asyncProperty(dispatchCommands, async (given) => {
        const memory = new DispatchSide(new MemoryActionLedger())
        const stored = new DispatchSide((await maker.fresh()).ledger)
        for (const command of given) {
          const answer = command(memory)
          await settled()
          expect(command(stored), String(command)).toEqual(answer)
          const expected = await memory.sight()
          await expect
            .poll(() => stored.sight(), { message: String(command), timeout: 4_000, interval: 5 })
            .toEqual(expected)
        }
        await Promise.all([memory.close(), stored.close()])
      }),
      { numRuns: RUNS, ...(process.env['SEED'] !== undefined && { seed: Number(process.env['SEED']) }) },
    )
    await maker.close()
  })
})

/** In memory, whatever a command leads to has happened by then. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}
