import { type FileHandle, open } from 'node:fs/promises'
import { systemClock } from './clock-system.ts'
import { describe } from './describe.ts'
import type { ProcessIdentity } from './process-identity.ts'
import { sleep } from './wait.ts'

const READ_TRIES = 20
const RETRY_MS = 50

/** The content of a lock file. */
export interface Claim extends ProcessIdentity {
  /** Unique to this claim. */
  readonly id: string
  /** When it was made, in ISO 8601. */
  readonly since: string
}

export interface SeenClaim {
  readonly claim: Claim
  /** The file's modification time: by its holder's clock, in ms since the epoch. */
  readonly renewedAt: number
}

/** @returns undefined if the file does not exist */
export async function readClaim(path: string): Promise<SeenClaim | undefined> {
  for (let attempt = 1; ; attempt++) {
    const read = await readOnce(path)
    if (read === undefined) return undefined
    const claim = parse(read.text)
    if (claim !== undefined) return { claim, renewedAt: read.renewedAt }
    // The file may be half written.
    if (attempt === READ_TRIES) throw noClaim(path, read.text)
    await sleep(systemClock, RETRY_MS)
  }
}

/** Reopens the file each time, so that network file systems ask their server. */
async function readOnce(path: string): Promise<{ text: string; renewedAt: number } | undefined> {
  let file: FileHandle
  try {
    file = await open(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { mtimeMs } = await file.stat()
    return { text: await file.readFile('utf8'), renewedAt: mtimeMs }
  } finally {
    await file.close()
  }
}

/** The holder of a claim, as errors and log lines name it. */
export function inWords({ pid, host, since }: Claim): string {
  return `process ${pid} on ${host ?? 'an unknown host'} (since ${since ?? 'an unknown time'})`
}

function parse(text: string): Claim | undefined {
  try {
    const claim = JSON.parse(text) as Claim | null
    return typeof claim?.id === 'string' && typeof claim.pid === 'number' ? claim : undefined
  } catch {
    return undefined
  }
}

function noClaim(path: string, text: string): Error {
  const hint = 'remove the file if no process has it open'
  return new Error(`expected a runutil lock file at ${path}; got ${describe(text)}; ${hint}`)
}
