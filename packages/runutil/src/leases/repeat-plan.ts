import { type LeasePlan, LONGEST_WAIT_MS, untilNextRequest } from './lease-plan.ts'
import type { LeaseAnswer, LeaseTerms } from './lease-store.ts'

/** The work is due an interval after its last start, by the interval of the replica that started last. */
export class RepeatPlan implements LeasePlan {
  readonly isRepeated = true
  readonly run = undefined
  #everyMs: number
  #version: number | undefined

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  terms(): Omit<LeaseTerms, 'leaseMs'> {
    const schedule = { text: textOf(this.#everyMs), version: this.#version }
    return { everyMs: this.#everyMs, schedule }
  }

  onAnswer(answer: LeaseAnswer): number {
    const { schedule } = answer
    if (schedule === undefined) return untilNextRequest(answer)
    const isNew = this.#version !== undefined && this.#version !== schedule.version
    this.#version = schedule.version
    const everyMs = everyIn(schedule.text)
    // Another kind of worker uses that name now, so this one stands by.
    if (everyMs === undefined) return LONGEST_WAIT_MS
    this.#everyMs = everyMs
    return isNew ? 1 : Math.min(untilNextRequest(answer), LONGEST_WAIT_MS)
  }

  slowAfterMs(): undefined {
    return undefined
  }
}

function textOf(everyMs: number): string {
  return `every ${everyMs} ms`
}

function everyIn(text: string): number | undefined {
  const [, ms] = /^every (\S+) ms$/.exec(text) ?? []
  return ms === undefined ? undefined : Number(ms)
}
