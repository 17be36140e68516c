import { type FileHandle, open } from 'node:fs/promises'
import { describe } from './errors.ts'
import type { ProcessIdentity } from './process-identity.ts'

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

/** Opened anew each time: network file systems then ask their server. @returns undefined when there is no such file */
export async function readClaim(path: string): Promise<SeenClaim | undefined> {
  let file: FileHandle
  try {
    file = await open(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { mtimeMs } = await file.stat()
    return { claim: parse(path, await file.readFile('utf8')), renewedAt: mtimeMs }
  } finally {
    await file.close()
  }
}

/** Its holder, as an error or a log line names it. */
export function inWords({ pid, host, since }: Claim): string {
  return `process ${pid} on ${host ?? 'an unknown host'} (since ${since ?? 'an unknown time'})`
}

function parse(path: string, text: string): Claim {
  try {
    const claim = JSON.parse(text) as Claim | null
    if (typeof claim?.id === 'string' && typeof claim.pid === 'number') return claim
  } catch {
    // Said below.
  }
  const hint = 'remove the file if no process has it open'
  throw new Error(`expected a lock of runutil in ${path}; got ${describe(text)}; ${hint}`)
}
