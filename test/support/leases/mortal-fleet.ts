import fc from 'fast-check'
import { backoff, currentRun, runAllWorkers, wait } from 'runutil'
import { type LeaseStore, currentFence, distributedCron } from 'runutil/leases'
import type { VirtualClock } from 'runutil/testing'
import { expect } from 'vitest'
import { capturedLogger } from '../logs.ts'
import { LeaseLedger } from './lease-ledger.ts'
import { MortalProcess } from './mortal-process.ts'

export const MINUTE = 60_000
export const NOON = Date.UTC(2026, 0, 1, 12)
const LONGEST_RUN_MS = 4 * MINUTE
const LEASE_MS = 30_000

type Step =
  | { readonly pass: number }
  /** A process starts. */
  | { readonly start: { readonly apart: number; readonly latency: number } }
  | { readonly die: number }
  | { readonly stop: number }
  /** The clock of one process is set. */
  | { readonly set: { readonly who: number; readonly by: number } }
  /** The clock of the store is set. */
  | { readonly jump: number }

interface Run {
  readonly lengthMs: number
  readonly fails: boolean
}

export interface Program {
  readonly every: number
  readonly missed: 'once' | 'skip'
  readonly runs: readonly Run[]
  readonly steps: readonly Step[]
}

const who = fc.nat({ max: 3 })
const apart = fc.integer({ min: -90 * MINUTE, max: 90 * MINUTE })
const start = fc.record({ start: fc.record({ apart, latency: fc.nat({ max: 2_000 }) }) })
/** The steps that apply to a fleet on any store. */
export const moves: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 4, arbitrary: fc.record({ pass: fc.nat({ max: 10 * MINUTE }) }) },
  { weight: 3, arbitrary: start },
  { weight: 3, arbitrary: fc.record({ die: who }) },
  { weight: 2, arbitrary: fc.record({ stop: who }) },
  { weight: 1, arbitrary: fc.record({ set: fc.record({ who, by: apart }) }) },
]
export const jump = { weight: 1, arbitrary: fc.record({ jump: apart }) }

/** @param steps the steps that may happen to a fleet */
export const programs = (steps: readonly fc.WeightedArbitrary<Step>[]): fc.Arbitrary<Program> =>
  fc.record({
    every: fc.constantFrom(1, 2, 5, 10, 30),
    missed: fc.constantFrom('once', 'skip'),
    runs: fc.array(fc.record({ lengthMs: fc.nat({ max: LONGEST_RUN_MS }), fails: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    }),
    steps: fc.array(fc.oneof(...steps), { minLength: 4, maxLength: 16 }),
  })

/** What a run has recorded. */
interface Begun {
  readonly fence: number
  readonly instant: number
  readonly missed: number
  readonly by: MortalProcess
  isOver: boolean
}

interface Member {
  readonly process: MortalProcess
  readonly stop: AbortController
  readonly run: Promise<void>
}

interface Ground {
  readonly clock: VirtualClock
  readonly store: LeaseStore
  /** How far time advances before the store's answers are awaited, since those of a real store take real time. */
  readonly strideMs: number
}

/** A fleet whose processes start, stop and die as a program says. */
export class Fleet {
  readonly begun: Begun[] = []
  readonly ledger: LeaseLedger
  /** When the last step was over, by the store's clock. */
  quietSince = 0
  readonly #ground: Ground
  readonly #program: Program
  readonly #name: string
  readonly #members: Member[] = []
  readonly #gone: Member[] = []

  constructor(ground: Ground, program: Program, name: string) {
    this.#ground = ground
    this.#program = program
    this.#name = name
    this.ledger = new LeaseLedger(ground.store, () => ground.clock.now())
  }

  async run(): Promise<void> {
    for (const step of this.#program.steps) await this.#take(step)
    // Then one live process is enough: leases of dead ones expire, their instants run, and one more on time.
    if (this.#members.length === 0) this.#start(0, 0)
    this.quietSince = this.#ground.clock.now()
    await this.#pass(2 * LONGEST_RUN_MS + LEASE_MS + this.#program.every * MINUTE + 2 * MINUTE)
  }

  /** Ends all processes, and checks that no timer is left. */
  async end(): Promise<void> {
    for (const { process } of this.#gone) process.bury()
    for (const { stop } of [...this.#members, ...this.#gone]) stop.abort()
    const runs = Promise.all([...this.#members, ...this.#gone].map(({ run }) => run))
    await this.#pass(LONGEST_RUN_MS)
    await runs
    expect(this.#ground.clock.pending).toBe(0)
  }

  async #take(step: Step): Promise<void> {
    const { clock } = this.#ground
    if ('pass' in step) return this.#pass(step.pass)
    if ('jump' in step) return clock.set(clock.now() + step.jump)
    if ('start' in step) return this.#start(step.start.apart, step.start.latency)
    const at = 'die' in step ? step.die : 'stop' in step ? step.stop : step.set.who
    const member = this.#members[at]
    if (member === undefined) return
    if ('set' in step) member.process.apartMs += step.set.by
    else this.#gone.push(...this.#members.splice(at, 1))
    if ('die' in step) member.process.die()
    if ('stop' in step) member.stop.abort()
  }

  async #pass(ms: number): Promise<void> {
    const { clock, strideMs } = this.#ground
    for (let left = ms; left > 0; left -= strideMs) {
      await clock.advance(Math.min(left, strideMs))
      await this.ledger.idle()
    }
  }

  #start(apartMs: number, latencyMs: number): void {
    if (this.#members.length === 4) return
    const { every, missed } = this.#program
    const { clock } = this.#ground
    const process = new MortalProcess({ clock, leases: this.ledger, latencyMs, apartMs })
    const job = (signal: AbortSignal): Promise<void> => this.#job(process, signal)
    const worker = distributedCron(process.leases, this.#name, `*/${every} * * * *`, job, { missed })
    const stop = new AbortController()
    const { logger } = capturedLogger()
    const entry = { name: 'Cron', worker, retry: backoff('1s') }
    const run = runAllWorkers([entry], stop.signal, { clock: process.clock, logger })
    this.#members.push({ process, stop, run })
  }

  async #job(by: MortalProcess, signal: AbortSignal): Promise<void> {
    const { scheduledFor, missed } = currentRun()!
    const instant = scheduledFor.getTime()
    const inTwo = this.begun.filter((other) => !other.isOver && other.by.isAlive)
    expect(inTwo).toEqual([])
    const one: Begun = { fence: currentFence()!, instant, missed, by, isOver: false }
    const { lengthMs, fails } = this.#program.runs[this.begun.length % this.#program.runs.length]!
    this.begun.push(one)
    try {
      await wait(lengthMs, signal)
    } finally {
      one.isOver = true
    }
    signal.throwIfAborted()
    if (fails) throw new Error('no report')
  }
}
