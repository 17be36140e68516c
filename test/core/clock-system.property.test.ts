import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Timer } from '../../packages/runutil/src/core/clock.ts'
import { SystemClock } from '../../packages/runutil/src/core/clock-system.ts'

/** `timer` selects one of the timers set so far. */
type Step =
  | { kind: 'set'; delay: number }
  | { kind: 'clear'; timer: number }
  | { kind: 'restart'; timer: number; in: number }
  | { kind: 'advance'; by: number }

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('set' as const), delay: fc.integer({ min: 0, max: 60 }) }),
    fc.record({ kind: fc.constant('clear' as const), timer: fc.nat() }),
    fc.record({
      kind: fc.constant('restart' as const),
      timer: fc.nat(),
      in: fc.integer({ min: -5, max: 60 }),
    }),
    fc.record({ kind: fc.constant('advance' as const), by: fc.integer({ min: 1, max: 20 }) }),
  ),
  { maxLength: 60 },
)

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

test('any sequence of setting, clearing and restarting timers fires them as a plain list would', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      vi.clearAllTimers()
      const real = new Real()
      const model = new Model()
      for (const step of given) {
        real.take(step)
        model.take(step)
        // The turn of the event loop ends, and the clock reads the time again.
        await Promise.resolve()
        expect(real.fired).toEqual(model.fired)
        // Only timers that are set keep the process alive.
        expect(vi.getTimerCount() > 0).toBe(model.pending > 0)
      }
      vi.advanceTimersByTime(100)
      expect(vi.getTimerCount()).toBe(0)
    }),
    { numRuns: 2_000 },
  )
})

class Real {
  readonly #clock = new SystemClock()
  readonly #begun = performance.now()
  readonly #timers: Timer[] = []
  /** The numbers of the timers that fired, by the time they did. */
  readonly fired: Record<number, number[]> = {}

  take(step: Step): void {
    const timer = 'timer' in step ? this.#timers[step.timer % (this.#timers.length || 1)] : undefined
    if (step.kind === 'set') {
      const number = this.#timers.length
      this.#timers.push(this.#clock.setTimeout(() => this.#note(number), step.delay))
    } else if (step.kind === 'clear') timer?.clear()
    else if (step.kind === 'restart') timer?.restartAt(performance.now() + step.in)
    else vi.advanceTimersByTime(step.by)
  }

  #note(number: number): void {
    const now = performance.now() - this.#begun
    this.fired[now] = [...(this.fired[now] ?? []), number].sort((a, b) => a - b)
  }
}

class Model {
  #now = 0
  /** When each timer is due; undefined if it isn't set. */
  readonly #due: (number | undefined)[] = []
  readonly fired: Record<number, number[]> = {}

  get pending(): number {
    return this.#due.filter((due) => due !== undefined).length
  }

  take(step: Step): void {
    const at = 'timer' in step ? step.timer % (this.#due.length || 1) : 0
    if (step.kind === 'set') this.#due.push(this.#now + step.delay)
    else if (step.kind === 'advance') this.#advance(step.by)
    else if (at < this.#due.length) {
      this.#due[at] = step.kind === 'clear' ? undefined : Math.max(this.#now, this.#now + step.in)
    }
  }

  #advance(by: number): void {
    for (const end = this.#now + by; ; this.#now++) {
      const due = [...this.#due.keys()].filter((at) => this.#due[at] === this.#now)
      for (const at of due) this.#due[at] = undefined
      if (due.length > 0)
        this.fired[this.#now] = [...(this.fired[this.#now] ?? []), ...due].sort((a, b) => a - b)
      if (this.#now === end) return
    }
  }
}
