import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { systemClock } from './clock-system.ts'
import type { Clock } from './clock.ts'
import { rootLogger } from './context.ts'
import { HeldLock } from './held-lock.ts'
import { type Claim, type SeenClaim, inWords, readClaim } from './lock-claim.ts'
import { log } from './log.ts'
import { isOfEarlierBoot, sharesMachine, standingOf, thisProcess } from './process-identity.ts'
import { sleep } from './wait.ts'

/** So long a claim that can't be asked about is watched at least. */
const WATCH_MS = 5_000
/** One that was renewed no more for so long is a dead process's. */
const STALE_MS = 15_000
const LOOK_MS = 250
/** What file systems without hard links say: FAT, some shares and FUSE, and Android of any. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES']

export interface FileLockProps {
  /** The file that is the lock. Its folder must be there. */
  readonly path: string
  /** What is locked, as messages call it: `database folder /data`. */
  readonly what: string
  /** The error for what somebody else has. */
  readonly inUse: (claim: Claim) => Error
  /** Default: the system's. */
  readonly clock?: Clock | undefined
}

/** A claim that somebody made and didn't live to take back. */
interface Leftover {
  readonly path: string
  readonly seen: SeenClaim
}

/**
 * Locks what may be used by one process at a time, for as long as this process lives.
 *
 * Whether a process of the same pid namespace lives can be asked. Of one in another container or on another machine it
 * can't: its claim is watched. One that is renewed is in use; one that wasn't for 15 s is taken over, with a warning.
 *
 * Of a dead claim, nobody may just remove the file: what is removed may be the lock of somebody faster. Instead,
 * `PATH.ID` is the right to put oneself in the place of the claim ID, and only one can make that file; should he die as
 * well, the right to his place is a file again. Its holder looks for that file when it was held up, and so, of a holder
 * that comes back and of who takes over, at least one gives way.
 *
 * @throws what `inUse` makes
 */
export async function lockFile(props: FileLockProps): Promise<HeldLock> {
  const { path, what, clock = systemClock } = props
  const claim: Claim = {
    ...(await thisProcess()),
    id: randomUUID(),
    since: new Date(clock.now()).toISOString(),
  }
  const draft = `${path}.${claim.id}.draft`
  await write(draft, JSON.stringify(claim))
  try {
    while (!(await take(props, draft, claim))) {
      // Somebody was faster: look again who it is.
    }
  } finally {
    await rm(draft)
  }
  return new HeldLock({ path, what, claim, clock })
}

/** On the disk, for its owner alone. */
async function write(path: string, claim: string | Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(claim)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** @returns false when the claims have changed meanwhile */
async function take(props: FileLockProps, draft: string, me: Claim): Promise<boolean> {
  const leftovers: Leftover[] = []
  let path = props.path
  while (!(await linked(draft, path))) {
    const seen = await readClaim(path)
    const leftover = seen && (await leftBehind(props, path, seen, me))
    if (leftover === undefined) return false
    leftovers.push({ path, seen: leftover })
    path = `${props.path}.${seen!.claim.id}`
  }
  if (leftovers.length === 0) return true
  return succeed(props.path, path, leftovers)
}

/**
 * The claim, if its process is gone.
 *
 * @returns undefined when another claim has come meanwhile
 */
async function leftBehind(
  props: FileLockProps,
  path: string,
  seen: SeenClaim,
  me: Claim,
): Promise<SeenClaim | undefined> {
  const { clock = systemClock } = props
  const standing = isOfEarlierBoot(seen, me, clock.now()) ? 'dead' : await standingOf(seen.claim, me)
  if (standing === 'dead') return seen
  if (standing === 'alive') throw props.inUse(seen.claim)
  return watch(props, path, seen, me)
}

async function watch(
  { what, inUse, clock = systemClock }: FileLockProps,
  path: string,
  first: SeenClaim,
  me: Claim,
): Promise<SeenClaim | undefined> {
  const holder = inWords(first.claim)
  const beganAt = clock.elapsed()
  const staleAt = clock.elapsed() + untilStale(clock, first, me)
  for (let said = false; clock.elapsed() < staleAt;) {
    await sleep(clock, LOOK_MS)
    const seen = await readClaim(path)
    if (seen?.claim.id !== first.claim.id) return undefined
    if (seen.renewedAt !== first.renewedAt) throw inUse(first.claim)
    if (said || clock.elapsed() - beganAt < WATCH_MS) continue
    said = true
    log(
      rootLogger(),
      'warn',
      {},
      `${what}: ${holder} has left its lock; taking it over unless it is renewed within 10 s`,
    )
  }
  log(rootLogger(), 'warn', {}, `${what}: taken over from ${holder}, who has not renewed its lock for 15 s`)
  return first
}

/** By the same clock, it is known how long ago it was renewed; by another machine's, only what is seen counts. */
function untilStale(clock: Clock, { claim, renewedAt }: SeenClaim, me: Claim): number {
  const ago = sharesMachine(claim, me) ? Math.max(0, clock.now() - renewedAt) : 0
  return Math.max(WATCH_MS, STALE_MS - ago)
}

/** Puts the claim at `path` in the place of those that it comes after, if they still are what they were. */
async function succeed(lock: string, path: string, leftovers: readonly Leftover[]): Promise<boolean> {
  for (const { path: old, seen } of leftovers) {
    const now = await readClaim(old)
    if (now?.claim.id === seen.claim.id && now.renewedAt === seen.renewedAt) continue
    await rm(path)
    return false
  }
  await rename(path, lock)
  for (const { path: old } of leftovers.slice(1)) await rm(old, { force: true })
  return true
}

/** Gives the claim its name, complete as it is. @returns false when the name is taken */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (NO_LINKS.includes(code)) return written(draft, path)
    throw error
  }
}

/** Where there are no hard links. For a moment, a reader may find half a claim. */
async function written(draft: string, path: string): Promise<boolean> {
  try {
    await write(path, await readFile(draft))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
