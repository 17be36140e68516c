import fc from 'fast-check'
import { type Runnable, backoff, runAllWorkers, supervise } from 'runutil'
import { VirtualClock } from 'runutil/testing'
import { expect, test } from 'vitest'
import { capturedLogger } from '../support/logs.ts'
import { numRuns, seed } from '../support/property-runs.ts'

const STRATEGIES = ['one_for_one', 'rest_for_one', 'one_for_all'] as const
const TYPES = ['permanent', 'transient', 'temporary'] as const

interface Program {
  strategy: (typeof STRATEGIES)[number]
  types: (typeof TYPES)[number][]
  /** The workers that exit one after another, and how. */
  exits: { worker: number; throws: boolean }[]
}

const program = fc.record<Program>({
  strategy: fc.constantFrom(...STRATEGIES),
  types: fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 6 }),
  exits: fc.array(fc.record({ worker: fc.nat(5), throws: fc.boolean() }), { maxLength: 12 }),
})

test(`a supervisor restarts and stops the same workers as that of OTP, in the same order (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(program, async (given) => {
      expect(await play(given)).toEqual(otp(given))
    }),
    { numRuns, seed },
  )
})

/** Records starts as '+2' and stops of running workers as '-2', but not their own exits. */
async function play({ strategy, types, exits }: Program): Promise<string[]> {
  const clock = new VirtualClock()
  const { logger } = capturedLogger()
  logger.level = 'silent'
  const seen: string[] = []
  const exit = new Map<number, (throws: boolean) => void>()
  const workers = types.map((restart, at): Runnable => {
    const worker = (signal: AbortSignal): Promise<void> => {
      seen.push(`+${at}`)
      return new Promise((resolve, reject) => {
        exit.set(at, (throws) => (throws ? reject(new Error('exit')) : resolve()))
        signal.addEventListener('abort', () => {
          seen.push(`-${at}`)
          resolve()
        })
      })
    }
    return { name: `w${at}`, worker, restart }
  })
  const stop = new AbortController()
  const run = runAllWorkers([supervise(workers, { strategy, retry: backoff(0) })], stop.signal, {
    clock,
    logger,
  })
  for (const { worker, throws } of exits) {
    await clock.advance(100)
    exit.get(worker)?.(throws)
  }
  await clock.advance(100)
  const told = [...seen]
  stop.abort()
  await run
  return told
}

/** A model of OTP's supervisor, by its documentation: what it starts and stops at each exit. */
function otp({ strategy, types, exits }: Program): string[] {
  const seen = types.map((_, at) => `+${at}`)
  const running = new Set(types.keys())
  // A temporary worker is removed once it has ended for any reason.
  const known = new Set(types.keys())
  for (const { worker, throws } of exits) {
    if (!running.delete(worker)) continue
    const type = types[worker]!
    if (type === 'temporary') known.delete(worker)
    if (type === 'temporary' || (type === 'transient' && !throws)) continue
    const isAlong = (at: number): boolean =>
      strategy === 'one_for_all' || (strategy === 'rest_for_one' ? at >= worker : at === worker)
    const along = [...known].filter(isAlong)
    for (const at of [...along].reverse()) {
      if (!running.delete(at)) continue
      seen.push(`-${at}`)
      if (types[at] === 'temporary') known.delete(at)
    }
    for (const at of along.filter((one) => known.has(one))) {
      seen.push(`+${at}`)
      running.add(at)
    }
  }
  return seen
}
