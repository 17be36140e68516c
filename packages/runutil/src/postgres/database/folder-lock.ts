import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe } from '../../core/errors.ts'
import { DatabaseInUseError } from './errors.ts'
import { type ProcessIdentity, isAlive, thisProcess } from './process-identity.ts'

/** What a lock file holds. */
interface Claim extends ProcessIdentity {
  /** Of this one lock: no other has ever had it. */
  readonly id: string
}

/** A claim that somebody made and didn't live to take back. */
interface Leftover {
  readonly path: string
  readonly id: string
}

/**
 * Locks a folder of PGlite for as long as this process lives: two at once would ruin it. What a dead process has left
 * is taken over.
 *
 * The lock is the file `runutil.lock`. Of a dead one, nobody may just remove it: what is removed may be the lock of
 * somebody faster. Instead, `runutil.lock.ID` is the right to put oneself in the place of the claim ID, and only one
 * can make that file; should he die as well, the right to his place is a file again.
 *
 * @returns unlocks it
 * @throws DatabaseInUseError
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, 'runutil.lock')
  const claim: Claim = { ...(await thisProcess()), id: randomUUID() }
  const draft = `${lock}.${claim.id}.draft`
  await write(draft, claim)
  try {
    while (!(await take(folder, lock, draft))) {
      // Somebody was faster: look again who it is.
    }
  } finally {
    await rm(draft)
  }
  let gone: Promise<void> | undefined
  // Once: by the next time it may be somebody else's.
  return () => (gone ??= rm(lock, { force: true }))
}

/** It is linked to its name when it is complete, and on the disk: nobody ever reads half a claim. */
async function write(draft: string, claim: Claim): Promise<void> {
  const file = await open(draft, 'wx')
  try {
    await file.writeFile(JSON.stringify(claim))
    await file.sync()
  } finally {
    await file.close()
  }
}

/** @returns false when the claims have changed meanwhile */
async function take(folder: string, lock: string, draft: string): Promise<boolean> {
  const leftovers: Leftover[] = []
  let path = lock
  while (!(await linked(draft, path))) {
    const claim = await read(path)
    if (claim === undefined) return false
    if (await isAlive(claim)) throw inUse(folder, claim)
    leftovers.push({ path, id: claim.id })
    path = `${lock}.${claim.id}`
  }
  if (leftovers.length === 0) return true
  return succeed(lock, path, leftovers)
}

/** Puts the claim at `path` in the place of those that it comes after, if they still are what they were. */
async function succeed(lock: string, path: string, leftovers: readonly Leftover[]): Promise<boolean> {
  for (const leftover of leftovers) {
    if ((await read(leftover.path))?.id === leftover.id) continue
    await rm(path)
    return false
  }
  await rename(path, lock)
  for (const { path: old } of leftovers.slice(1)) await rm(old, { force: true })
  return true
}

async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function read(path: string): Promise<Claim | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as Claim
  } catch (cause) {
    const mend = 'remove the file if no process has the database open'
    throw new Error(`expected a lock of runutil in ${path}; got ${describe(text)}; ${mend}`, { cause })
  }
}

function inUse(folder: string, { pid }: Claim): DatabaseInUseError {
  return new DatabaseInUseError(folder, pid, pid === process.pid ? 'this process' : `process ${pid}`)
}
