import fc from 'fast-check'
import { Probe } from 'runutil/testing'
import { expect, test } from 'vitest'
import { SystemClock, timerFor } from '../../packages/runutil/src/core/clock-system.ts'
import { SystemTimer } from '../../packages/runutil/src/core/system-timer.ts'
import { numRuns, seed } from '../support/property-runs.ts'

/** A timer whose work may be a promise. */
class Job extends SystemTimer {
  readonly ran = new Probe('a job')
  readonly #work: () => Promise<void> | void

  constructor(work: () => Promise<void> | void) {
    super()
    this.#work = work
  }

  override fire(): boolean {
    this.ran.hit()
    const running = this.#work()
    if (running === undefined) return false
    void running.then(() => this.queue!.ended(this))
    return true
  }
}

/** Fires all at one moment; resolves once each has been called `times` times in all. */
async function fireTogether(clock: SystemClock, jobs: readonly Job[], times: number): Promise<void> {
  const due = clock.elapsed() + 5
  for (const job of jobs) timerFor(job, clock, due)
  await Promise.all(jobs.map((job) => job.ran.times(times)))
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('jobs that have ended in their turn run to their end one after another from then on', async () => {
  const clock = new SystemClock()
  const log: string[] = []
  const job = (name: string): Job =>
    new Job(async () => {
      log.push(`${name} begins`)
      for (let step = 0; step < 5; step++) await Promise.resolve()
      log.push(`${name} ends`)
    })
  const jobs = [job('a'), job('b')]
  await fireTogether(clock, jobs, 1)
  await nextTurn()
  expect(log).toEqual(['a begins', 'b begins', 'a ends', 'b ends'])
  log.length = 0
  await fireTogether(clock, jobs, 2)
  await nextTurn()
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

test('a job that no longer ends in its turn is waited for to the end of that turn, and then no more', async () => {
  const clock = new SystemClock()
  const log: string[] = []
  let open = (): void => {}
  let ends: Promise<void> = Promise.resolve()
  const a = new Job(() => {
    log.push('a')
    void Promise.resolve().then(() => log.push('after a'))
    return ends
  })
  const b = new Job(() => void log.push('b'))
  await fireTogether(clock, [a, b], 1)
  await nextTurn()
  expect(a.isPrompt).toBe(true)
  log.length = 0
  ends = new Promise((resolve) => (open = resolve))
  await fireTogether(clock, [a, b], 2)
  expect(log).toEqual(['a', 'after a', 'b'])
  // That it ends much later is no sign of anything.
  await nextTurn()
  open()
  await nextTurn()
  log.length = 0
  await fireTogether(clock, [a, b], 3)
  await nextTurn()
  expect(log).toEqual(['a', 'b', 'after a'])
})

test('a timer that is cleared while another is waited for never fires', async () => {
  const clock = new SystemClock()
  const cleared = new Job(() => {
    throw new Error('fired')
  })
  let clears = false
  const first = new Job(async () => {
    await Promise.resolve()
    if (clears) cleared.clear()
  })
  await fireTogether(clock, [first], 1)
  await nextTurn()
  clears = true
  const last = new Job(() => {})
  const due = clock.elapsed() + 5
  for (const job of [first, cleared, last]) timerFor(job, clock, due)
  await last.ran.times(1)
  expect(first.isPrompt).toBe(true)
})

/** What a job does when it fires, and how long after that it fires again. */
const WORK: readonly (() => Promise<void> | void)[] = [
  () => {},
  async () => {},
  async () => {
    for (let step = 0; step < 3; step++) await Promise.resolve()
  },
  () => new Promise((resolve) => process.nextTick(resolve)),
  () => new Promise((resolve) => setImmediate(resolve)),
  () => new Promise((resolve) => setTimeout(resolve, 1)),
  () => new Promise(() => {}),
]
const fires = fc.record({ work: fc.constantFrom(...WORK), after: fc.double({ min: 0, max: 4, noNaN: true }) })

test('random jobs fire once for each time that they are set, never early', async () => {
  const programs = fc.array(fc.array(fires, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const clock = new SystemClock()
      const early: number[] = []
      const jobs = program.map((steps) => {
        let due = 0
        const set = (): void => {
          due = clock.elapsed() + steps[job.ran.count]!.after
          timerFor(job, clock, due)
        }
        const job: Job = new Job(() => {
          const { work } = steps[job.ran.count - 1]!
          if (performance.now() < due) early.push(performance.now() - due)
          if (job.ran.count < steps.length) set()
          return work()
        })
        set()
        return job
      })
      await Promise.all(jobs.map(({ ran }, at) => ran.times(program[at]!.length)))
      await nextTurn()
      expect(early).toEqual([])
      expect(jobs.map(({ ran }) => ran.count)).toEqual(program.map(({ length }) => length))
    }),
    { numRuns: Math.ceil(numRuns / 10), seed },
  )
})
