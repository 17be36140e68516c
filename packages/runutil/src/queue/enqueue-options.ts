import { toStorableMs } from '../core/duration.ts'
import { InvalidArgumentError, unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import type { InsertOptions } from './job-store.ts'
import type { EnqueueOptions, OnExists } from './job.ts'

const ON_EXISTS: readonly OnExists[] = ['fail', 'skip', 'replace']

export interface ResolvedEnqueueOptions extends InsertOptions {
  readonly onExists: OnExists
}

/** @throws InvalidArgumentError, InvalidDurationError */
export function resolveEnqueueOptions(options: EnqueueOptions): ResolvedEnqueueOptions {
  const { tx, onExists = 'fail', maxDelay } = checkOptions('enqueue', options, ['tx', 'onExists', 'maxDelay'])
  if (!ON_EXISTS.includes(onExists))
    throw unexpected('enqueue: onExists', "'fail', 'skip' or 'replace'", onExists)
  if (maxDelay === undefined) return { tx, onExists }
  if (onExists !== 'replace') {
    throw new InvalidArgumentError(
      `enqueue: expected onExists: 'replace' with maxDelay, since a job that isn't replaced isn't delayed; got '${onExists}'`,
    )
  }
  return { tx, onExists, maxDelayMs: toStorableMs(maxDelay, 'enqueue: maxDelay') }
}
