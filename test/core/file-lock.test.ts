import fs, { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir, uptime } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from 'runutil/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { macrotask } from '../../packages/runutil/src/core/event-loop.ts'
import { lockFile } from '../../packages/runutil/src/core/file-lock.ts'
import type { HeldLock } from '../../packages/runutil/src/core/held-lock.ts'
import type { Claim } from '../../packages/runutil/src/core/lock-claim.ts'
import { thisProcess } from '../../packages/runutil/src/core/process-identity.ts'
import { capturedLogger, withLogger } from '../support/logs.ts'
import { failureOf, follow } from '../support/outcome.ts'

const me = await thisProcess()
const otherContainer: Claim = {
  ...me,
  namespace: 'pid:[1]',
  pid: 1,
  host: 'c1',
  id: 'other',
  since: 'long ago',
}
const otherMachine: Claim = { ...otherContainer, boot: 'another', host: 'm2' }

let folder: string
let path: string
let clock: VirtualClock
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runutil-lock-'))
  path = join(folder, 'the.lock')
  clock = new VirtualClock()
})
afterEach(() => rm(folder, { recursive: true }))

class TakenError extends Error {}
const take = (): Promise<HeldLock> =>
  lockFile({ path, what: 'the thing', clock, inUse: (claim) => new TakenError(`by ${claim.pid}`) })

/** Renewed at this moment of the clock. */
const renew = (at = clock.now()): void => utimesSync(path, at / 1000, at / 1000)
function leave(claim: Claim, renewedAt?: number): void {
  writeFileSync(path, JSON.stringify(claim))
  renew(renewedAt)
}

/** Moves on bit by bit until it has settled, since it looks at files between. @returns the virtual ms that it took */
async function msUntilSettled(promise: Promise<unknown>, onStep = (): void => {}): Promise<number> {
  const start = clock.elapsed()
  const state = follow(promise)
  while (state.settled === 'no' && clock.elapsed() < start + 60_000) {
    // What it reads takes real time, and it has no timer meanwhile.
    while (clock.pending === 0 && state.settled === 'no') await macrotask()
    if (state.settled === 'no') await clock.advance(250)
    onStep()
  }
  return clock.elapsed() - start
}

describe('a lock that was made where its pid means nothing here', () => {
  it('is in use if it is renewed, which is detected at once', async () => {
    leave(otherContainer)
    const taking = take()
    const startedAt = clock.elapsed()
    const ms = await msUntilSettled(taking, () => {
      if (clock.elapsed() - startedAt === 2_000) renew()
    })
    expect(await failureOf(taking)).toBeInstanceOf(TakenError)
    expect(ms).toBeLessThanOrEqual(2_500)
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ id: 'other' })
  })

  it('is in use if it is renewed late, after 5 s of watching', async () => {
    leave(otherMachine)
    const taking = take()
    const startedAt = clock.elapsed()
    await msUntilSettled(taking, () => {
      if (clock.elapsed() - startedAt === 14_000) renew()
    })
    expect(await failureOf(taking)).toBeInstanceOf(TakenError)
  })

  it.each([
    ['another machine, by whose clock nothing can be said', otherMachine, -3_600_000, 15_000],
    ['another container of this machine, renewed just now', otherContainer, 0, 15_000],
    ['another container of this machine, renewed long ago', otherContainer, -3_600_000, 5_000],
  ])('is taken over from %s once it is stale, and that is logged', async (_, claim, ago, expected) => {
    leave(claim, clock.now() + ago)
    const { logger, lines } = capturedLogger()
    const taking = withLogger(logger, take)
    const ms = await msUntilSettled(taking)
    expect(ms).toBeGreaterThanOrEqual(expected)
    expect(ms).toBeLessThanOrEqual(expected + 500)
    const held = await taking
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid })
    expect(lines.at(-1)!.msg).toContain(`the thing: taken over from process 1 on ${claim.host}`)
    await held.release()
    expect(await readdir(folder)).toEqual([])
  })

  it('is taken over at once if this machine has rebooted since its last renewal', async () => {
    const startedAt = clock.now() - uptime() * 1000
    leave({ ...me, boot: 'earlier', id: 'other', since: 'before' }, startedAt - 5_000)
    const held = await take()
    expect(clock.elapsed()).toBe(0)
    await held.release()
  })

  it.each([
    ['was renewed since then: it is on another machine of the same name', {}, 0],
    ['is of another machine', { host: 'm2' }, -1e9],
    ['is of another container, which may be on another machine', { namespace: 'pid:[1]' }, -1e9],
  ])('is watched if it is of another boot, but %s', async (_, other, ago) => {
    leave({ ...me, ...other, boot: 'another', id: 'other', since: 'before' }, clock.now() + ago)
    const taking = take()
    expect(await msUntilSettled(taking)).toBeGreaterThanOrEqual(15_000)
    await (await taking).release()
  })
})

describe('a file system without hard links', () => {
  beforeEach(() => {
    const refuse = (): Promise<never> =>
      Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' }))
    vi.spyOn(fs.promises, 'link').mockImplementation(refuse)
    syncBuiltinESMExports()
  })
  afterEach(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })

  it('still has locks', async () => {
    const first = await take()
    expect(await failureOf(take())).toBeInstanceOf(TakenError)
    await clock.advance('4s')
    first.assertHeld()
    await first.release()
    leave({ ...me, pid: 4_194_305, id: 'dead', since: 'before' })
    const second = await take()
    second.assertHeld()
    await second.release()
    expect(await readdir(folder)).toEqual([])
  })

  it('may show half a claim for a moment, which is reread', async () => {
    writeFileSync(path, '{"id":')
    const taking = failureOf(take())
    await macrotask()
    leave({ ...me, id: 'other', since: 'now' })
    expect(await taking).toBeInstanceOf(TakenError)
  })
})

describe('who holds a lock', () => {
  it('renews it every 2 s, which others see in its modification time', async () => {
    const held = await take()
    const times = new Set<number>()
    for (let s = 0; s < 10; s += 2) {
      times.add(statSync(path).mtimeMs)
      await clock.advance('2s')
    }
    expect(times.size).toBe(5)
    await held.release()
    await clock.advance('10s')
    expect(existsSync(path)).toBe(false)
  })

  it.runIf(process.platform !== 'win32')('lets nobody else read it', async () => {
    const held = await take()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await held.release()
  })

  it('checks that it still has the lock after a gap of over 10 s, before anything else', async () => {
    const held = await take()
    await takenOver()
    held.assertHeld()
    // As after SIGSTOP: time has passed, and no timer has fired yet.
    jump(11_000)
    expect(() => held.assertHeld()).toThrow(expect.objectContaining({ code: 'ERR_LOCK_LOST' }))
    expect(() => held.assertHeld()).toThrow(/the thing: this process was suspended for so long/)
    await held.release()
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ id: 'other' })
  })

  it('gives up the lock to a process that is taking it over', async () => {
    const held = await take()
    const { id } = JSON.parse(await readFile(path, 'utf8')) as Claim
    await writeFile(`${path}.${id}`, '{}')
    held.assertHeld()
    jump(11_000)
    expect(() => held.assertHeld()).toThrow(/another took it over/)
    await held.release()
  })

  it('continues if it still has the lock, and renews it first', async () => {
    const held = await take()
    const before = statSync(path).mtimeMs
    jump(11_000)
    held.assertHeld()
    expect(statSync(path).mtimeMs).toBeGreaterThan(before)
    await held.release()
    expect(await readdir(folder)).toEqual([])
  })

  it('detects at its next renewal that the lock was removed', async () => {
    const held = await take()
    await rm(path)
    await clock.advance('2s')
    expect(() => held.assertHeld()).toThrow(/its lock file was removed/)
    await held.release()
  })

  /** Moves time without letting a timer fire. */
  function jump(ms: number): void {
    const elapsed = clock.elapsed()
    const now = clock.now()
    Object.assign(clock, { elapsed: () => elapsed + ms, now: () => now + ms })
  }

  /** As another does it: it puts its own file in the place. */
  async function takenOver(): Promise<void> {
    await writeFile(`${path}.new`, JSON.stringify(otherContainer))
    await rename(`${path}.new`, path)
  }
})
