import { type FileHandle, open } from 'node:fs/promises'
import { systemClock } from './clock-system.ts'
import { describe } from './describe.ts'
import type { ProcessIdentity } from './process-identity.ts'
import { sleep } from './wait.ts'

const LOOKS = 20
const LOOK_MS = 50

/** What a lock file holds. */
export interface Claim extends ProcessIdentity {
  /** Of this one lock: no other has ever had it. */
  readonly id: string
  /** When it was made, in ISO 8601. */
  readonly since: string
}

export interface SeenClaim {
  readonly claim: Claim
  /** By its holder's clock, in ms since the epoch: what the file's time of change says. */
  readonly renewedAt: number
}

/** @returns undefined when there is no such file */
export async function readClaim(path: string): Promise<SeenClaim | undefined> {
  for (let look = 1; ; look++) {
    const read = await readOnce(path)
    if (read === undefined) return undefined
    const claim = parse(read.text)
    if (claim !== undefined) return { claim, renewedAt: read.renewedAt }
    // It may be half written.
    if (look === LOOKS) throw noClaim(path, read.text)
    await sleep(systemClock, LOOK_MS)
  }
}

/** Opened anew each time: network file systems then ask their server. */
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

/** Its holder, as an error or a log line names it. */
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
  return new Error(`expected a lock of runutil in ${path}; got ${describe(text)}; ${hint}`)
}
