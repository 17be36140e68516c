import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ErrWorkerExitedPrematurely,
  ShutdownTimeoutError,
  WorkerGroupError,
  runAllWorkers,
  wait,
} from 'runutil'
import { VirtualClock } from 'runutil/testing'

/** What one worker does: it exits at a certain time, or takes a while to end after an earlier abort. */
interface Script {
  exitAt: number
  exit: 'return' | 'throw'
  stopAfter: number
  stop: 'return' | 'throw' | 'reason'
}

interface Scenario {
  scripts: Script[]
  abortAt: number
  grace: number | undefined
}

interface Result {
  settledAt: number
  errors: string[] | undefined
}

const script = fc.record<Script>({
  // Exits happen at even seconds and the caller's abort at odd ones. Ends take an even number of ms, the grace an odd one.
  // Then no two different events coincide, and the model need not order them.
  exitAt: fc.integer({ min: 1, max: 20 }).map((at) => at * 2 * 1000),
  exit: fc.constantFrom('return', 'throw'),
  stopAfter: fc.integer({ min: 0, max: 30 }).map((ms) => ms * 2),
  stop: fc.constantFrom('return', 'throw', 'reason'),
})

const scenario = fc.record<Scenario>({
  scripts: fc.array(script, { minLength: 0, maxLength: 6 }),
  abortAt: fc.integer({ min: 0, max: 25 }).map((at) => (at === 0 ? 0 : (at * 2 + 1) * 1000)),
  grace: fc.option(
    fc.integer({ min: 0, max: 30 }).map((ms) => ms * 2 + 1),
    { nil: undefined },
  ),
})

const storage = new AsyncLocalStorage<string>()

describe('a group against its model', () => {
  it('settles at the same time with the same errors in the same order, with each worker in its own async context', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        expect(await runScenario(given)).toEqual(model(given))
      }),
      { numRuns: 1_500 },
    )
  })
})

async function runScenario({ scripts, abortAt, grace }: Scenario): Promise<Result> {
  const clock = new VirtualClock({ auto: true })
  const controller = new AbortController()
  const reason = new Error('reason')
  if (abortAt === 0) controller.abort(reason)
  else storage.run('of another', () => clock.setTimeout(() => controller.abort(reason), abortAt))
  const workers = scripts.map((one, at) => ({ name: `w${at}`, worker: play(one, at) }))
  const began = clock.elapsed()
  let settledAt = -1
  const run = storage.run('own', () => runAllWorkers(workers, controller.signal, { clock, grace }))
  const errors = await run.then(
    () => ((settledAt = clock.elapsed() - began), undefined),
    (error: unknown) => ((settledAt = clock.elapsed() - began), (error as WorkerGroupError).errors),
  )
  return { settledAt, errors: errors?.map(nameOf) }
}

function play({ exitAt, exit, stopAfter, stop }: Script, at: number) {
  return async (signal: AbortSignal): Promise<void> => {
    // A failed expectation would be an error that the model doesn't know.
    expect(storage.getStore()).toBe('own')
    signal.addEventListener('abort', () => expect(storage.getStore()).toBe('own'))
    storage.enterWith(`entered by ${at}`)
    await wait(exitAt, signal)
    expect(storage.getStore()).toBe(`entered by ${at}`)
    if (!signal.aborted) {
      if (exit === 'throw') throw new Error(`exit ${at}`)
      return
    }
    await wait(stopAfter)
    if (stop === 'throw') throw new Error(`stop ${at}`)
    if (stop === 'reason') throw signal.reason
  }
}

function nameOf(error: Error): string {
  if (error instanceof ShutdownTimeoutError) return `timeout ${error.workers.join(' ')}`
  if (error instanceof ErrWorkerExitedPrematurely) return `premature ${error.worker}`
  return error.name === 'SiblingExitedError' ? 'sibling' : error.message
}

/** Computes the same without running anything: the first exit, the ends of the others, and the errors. */
function model({ scripts, abortAt, grace }: Scenario): Result {
  if (scripts.length === 0 || abortAt === 0) return { settledAt: 0, errors: undefined }
  const firstExit = Math.min(...scripts.map(({ exitAt }) => exitAt))
  const byCaller = abortAt < firstExit
  const stoppedAt = byCaller ? abortAt : firstExit
  const failures: { at: number; order: number; name: string }[] = []
  let end = stoppedAt
  const late: string[] = []
  const first = byCaller ? -1 : scripts.findIndex(({ exitAt }) => exitAt === firstExit)
  for (const [order, one] of scripts.entries()) {
    if (order === first) {
      failures.push({
        at: stoppedAt,
        order: -1,
        name: one.exit === 'throw' ? `exit ${order}` : `premature /w${order}`,
      })
      continue
    }
    const endsAt = stoppedAt + one.stopAfter
    if (grace !== undefined && one.stopAfter > grace) {
      late.push(`/w${order}`)
      continue
    }
    end = Math.max(end, endsAt)
    if (one.stop === 'throw') failures.push({ at: endsAt, order, name: `stop ${order}` })
    if (one.stop === 'reason' && !byCaller) failures.push({ at: endsAt, order, name: 'sibling' })
  }
  failures.sort((a, b) => a.at - b.at || a.order - b.order)
  const names = failures.map(({ name }) => name)
  if (late.length > 0) {
    names.push(`timeout ${late.join(' ')}`)
    end = stoppedAt + grace!
  }
  return { settledAt: end, errors: names.length === 0 ? undefined : names }
}
