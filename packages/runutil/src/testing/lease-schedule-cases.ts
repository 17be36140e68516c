import assert from 'node:assert/strict'
import type { KnownSchedule, LeaseAnswer, LeaseStore, LeaseTerms } from '../leases/lease-store.ts'
import type { LeaseCases } from './lease-case.ts'

const MINUTE = 60_000
/** Far in the future: a request for it is refused, and only returns what the store knows. */
const NEVER = 8.64e15

/** The moments and schedules of a LeaseStore, by its own clock. */
export const leaseScheduleCases: LeaseCases = {
  'the first request by a schedule gets the time of the store, up to which nothing needs a run': async ({
    leases,
  }) => {
    const { text, version, nowMs, settledMs } = known(await ask(leases, NEVER))
    assert.deepEqual([text, version], ['daily', 1])
    assert.ok(settledMs <= nowMs && settledMs > nowMs - MINUTE)
  },

  'a moment that has not come is refused until it comes': async ({ leases }) => {
    const { nowMs, version } = known(await ask(leases, NEVER))
    const answer = await ask(leases, nowMs + 10 * MINUTE, version)
    assert.ok(answer.kind === 'refused' && answer.dueInMs <= 10 * MINUTE && answer.dueInMs > 9 * MINUTE)
  },

  'a moment that has come is acquired once, and no earlier one after it': async ({ leases, pass }) => {
    const due = await dueMoment(leases, pass)
    const fence = await taken(leases, due)
    await leases.release('lease', fence, 'done')
    assert.equal((await ask(leases, due.nowMs, due.version)).kind, 'refused')
    assert.equal((await ask(leases, due.nowMs - 1, due.version)).kind, 'refused')
    assert.equal(known(await ask(leases, NEVER, due.version)).settledMs, due.nowMs)
  },

  'a moment whose run failed has had its run; one that was released unused has not': async ({
    leases,
    pass,
  }) => {
    const due = await dueMoment(leases, pass)
    await leases.release('lease', await taken(leases, due), 'unused')
    await leases.release('lease', await taken(leases, due), 'failed')
    assert.equal((await ask(leases, due.nowMs, due.version)).kind, 'refused')
  },

  'a moment whose holder died can be acquired by another once the lease expires': async ({
    leases,
    pass,
  }) => {
    const due = await dueMoment(leases, pass)
    await taken(leases, due)
    assert.equal((await ask(leases, due.nowMs, due.version)).kind, 'refused')
    await pass(MINUTE)
    await taken(leases, due)
  },

  'the schedule of the replica that started last applies, and a request by an older one is refused': async ({
    leases,
    pass,
  }) => {
    const due = await dueMoment(leases, pass)
    const { version } = known(await ask(leases, NEVER, undefined, 'hourly'))
    assert.ok(version > due.version)
    const answer = await ask(leases, due.nowMs, due.version)
    assert.equal(answer.kind, 'refused')
    assert.deepEqual([known(answer).text, known(answer).version], ['hourly', version])
    // A replica that starts with the same schedule changes nothing.
    assert.equal(known(await ask(leases, NEVER, undefined, 'hourly')).version, version)
  },

  'an interval of an older schedule is refused too': async ({ leases }) => {
    const terms = (text: string, version?: number): LeaseTerms => ({
      leaseMs: MINUTE,
      everyMs: MINUTE,
      schedule: { text, version },
    })
    const first = await leases.acquire('lease', terms('each minute'))
    assert.ok(first.kind === 'acquired')
    await leases.release('lease', first.fence, 'unused')
    await ask(leases, NEVER, undefined, 'daily')
    const answer = await leases.acquire('lease', terms('each minute', known(first).version))
    assert.equal(answer.kind, 'refused')
  },
}

function ask(leases: LeaseStore, instantMs: number, version?: number, text = 'daily'): Promise<LeaseAnswer> {
  return leases.acquire('lease', {
    leaseMs: MINUTE,
    everyMs: undefined,
    instantMs,
    schedule: { text, version },
  })
}

function known({ schedule }: LeaseAnswer): KnownSchedule {
  assert.ok(schedule !== undefined, 'the answer has no schedule')
  return schedule
}

/** What the store knows a moment after the name became known to it, so that its time of day is later. */
async function dueMoment(leases: LeaseStore, pass: (ms: number) => Promise<void>): Promise<KnownSchedule> {
  await ask(leases, NEVER)
  await pass(10)
  const later = known(await ask(leases, NEVER))
  assert.ok(later.nowMs > later.settledMs)
  return later
}

async function taken(leases: LeaseStore, { nowMs, version }: KnownSchedule): Promise<number> {
  const answer = await ask(leases, nowMs, version)
  assert.equal(answer.kind, 'acquired')
  return (answer as { fence: number }).fence
}
