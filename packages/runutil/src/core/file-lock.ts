import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { systemClock } from './clock-system.ts'
import type { Clock } from './clock.ts'
import { rootLogger } from './context.ts'
import { HeldLock } from './held-lock.ts'
import { type Claim, type SeenClaim, inWords, readClaim } from './lock-claim.ts'
import { log } from './log.ts'
import { isOfEarlierBoot, sharesMachine, livenessOf, thisProcess } from './process-identity.ts'
import { sleep } from './wait.ts'

/** How long at least a claim is watched when its process cannot be checked. */
const WATCH_MS = 5_000
/** A claim not renewed for this long belongs to a dead process. */
const STALE_MS = 15_000
const POLL_MS = 250
/** Error codes of file systems without hard links: FAT, some network shares and FUSE, and any on Android. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES']

export interface FileLockProps {
  /** The lock file. Its folder must exist. */
  readonly path: string
  /** What is locked, as messages name it: `database folder /data`. */
  readonly what: string
  /** Makes the error for a lock that another process holds. */
  readonly inUse: (claim: Claim) => Error
  /** Default: the system's. */
  readonly clock?: Clock | undefined
}

/** The claim of a process that died before it released it. */
interface Leftover {
  readonly path: string
  readonly seen: SeenClaim
}

/**
 * Locks a resource that one process may use at a time, until it is released or this process ends.
 *
 * A process in the same pid namespace can be checked for liveness. One in another container or on another machine cannot, so its
 * claim is watched: if it is renewed, the lock is in use; if it is not renewed for 15 s, it is taken over, with a warning.
 *
 * The file of a dead claim must not simply be removed: by then it may be the lock of a faster process. Instead, the file `PATH.ID`
 * grants the right to replace the claim ID, and only one process can create it; if that process dies too, the right to replace its
 * claim is a file again. A holder that was suspended checks for that file, so of a returning holder and its successor, at least one
 * gives up.
 *
 * @throws the error that `inUse` makes
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
    while (!(await tryLock(props, draft, claim))) {
      // Another process was faster: read its claim.
    }
  } finally {
    await rm(draft)
  }
  return new HeldLock({ path, what, claim, clock })
}

/** Synced to disk, readable by its owner only. */
async function write(path: string, claim: string | Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(claim)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** @returns false if the claims changed in the meantime */
async function tryLock(props: FileLockProps, draft: string, me: Claim): Promise<boolean> {
  const leftovers: Leftover[] = []
  let path = props.path
  while (!(await publish(draft, path))) {
    const seen = await readClaim(path)
    const leftover = seen && (await abandonedClaim(props, path, seen, me))
    if (leftover === undefined) return false
    leftovers.push({ path, seen: leftover })
    path = `${props.path}.${seen!.claim.id}`
  }
  if (leftovers.length === 0) return true
  return replaceClaims(props.path, path, leftovers)
}

/**
 * The claim, if its process is gone.
 *
 * @returns undefined if another claim replaced it in the meantime
 */
async function abandonedClaim(
  props: FileLockProps,
  path: string,
  seen: SeenClaim,
  me: Claim,
): Promise<SeenClaim | undefined> {
  const { clock = systemClock } = props
  const liveness = isOfEarlierBoot(seen, me, clock.now()) ? 'dead' : await livenessOf(seen.claim, me)
  if (liveness === 'dead') return seen
  if (liveness === 'alive') throw props.inUse(seen.claim)
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
  for (let hasWarned = false; clock.elapsed() < staleAt;) {
    await sleep(clock, POLL_MS)
    const seen = await readClaim(path)
    if (seen?.claim.id !== first.claim.id) return undefined
    if (seen.renewedAt !== first.renewedAt) throw inUse(first.claim)
    if (hasWarned || clock.elapsed() - beganAt < WATCH_MS) continue
    hasWarned = true
    log(
      rootLogger(),
      'warn',
      {},
      `${what}: lock held by ${holder} looks abandoned; taking it over unless it is renewed within 10 s`,
    )
  }
  log(rootLogger(), 'warn', {}, `${what}: taken over from ${holder}, which has not renewed its lock for 15 s`)
  return first
}

/** On the same machine the age of the last renewal is known; with another machine's clock, only observed time counts. */
function untilStale(clock: Clock, { claim, renewedAt }: SeenClaim, me: Claim): number {
  const ago = sharesMachine(claim, me) ? Math.max(0, clock.now() - renewedAt) : 0
  return Math.max(WATCH_MS, STALE_MS - ago)
}

/** Replaces the leftover claims with the claim at `path`, if they have not changed. */
async function replaceClaims(lock: string, path: string, leftovers: readonly Leftover[]): Promise<boolean> {
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

/** Publishes the complete claim at `path`, atomically. @returns false if the file exists */
async function publish(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (NO_LINKS.includes(code)) return publishByWriting(draft, path)
    throw error
  }
}

/** Without hard links. For a moment, a reader may find half a claim. */
async function publishByWriting(draft: string, path: string): Promise<boolean> {
  try {
    await write(path, await readFile(draft))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
