import { brandError } from '../core/brand.ts'
import { describe } from '../core/describe.ts'
import type { NewJob } from './job-store.ts'

/**
 * A payload would be stored with another job than the one that it was encoded for: the job that is there instead of its own.
 * Nothing of the call was stored; it is to be encoded for that job.
 */
export class EncodedForAnotherError extends Error {
  /** By the place of the job in the call: the id of the job to encode its payload for. */
  readonly ids: ReadonlyMap<number, string>

  static {
    brandError(this, 'EncodedForAnotherError')
  }
  constructor(ids: ReadonlyMap<number, string>) {
    super(
      `payloads were encoded for other jobs than they would be stored with: ${[...ids.values()].map(describe).join(', ')}`,
    )
    this.ids = ids
  }
}

/** Why a job of another kind isn't replaced. */
export function otherKindText({ id, kind }: NewJob, kindThere: string): string {
  return `job ${describe(id)}: expected kind ${describe(kindThere)}, that of the job that is there, to replace it; got ${describe(kind)}`
}
