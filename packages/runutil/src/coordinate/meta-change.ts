import { toStorableMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { checkDate, checkLimit, checkNumber } from './checks.ts'
import type { DerivedMeta, WorkSpecMeta } from './work-spec-meta.ts'

const LIMITS = ['maxRunning', 'maxAttemptsReturned', 'maxRetries'] as const
const NUMBERS = ['priority', 'weight', 'minMemoryGb', 'interval', ...LIMITS] as const
const FLAGS = ['paused', 'continuous'] as const
/** Known fields that can't be changed. */
const FIXED = ['canBeContinuous', 'nextWorkSpecName', 'runtime', 'availableCount', 'pendingCount'] as const

type Changeable = (typeof NUMBERS)[number] | (typeof FLAGS)[number] | 'nextContinuous'

/** The fields that `setMeta` changes. `nextContinuous: undefined` means none; other fields are present only with a value. */
export type MetaChange = Partial<Pick<WorkSpecMeta, Changeable>>

/**
 * The fields given to `setMeta` that may be changed.
 *
 * @throws InvalidArgumentError
 */
export function metaChange(given: Partial<WorkSpecMeta>): MetaChange {
  checkOptions('setMeta', given, [...NUMBERS, ...FLAGS, 'nextContinuous', ...FIXED])
  const { nextContinuous } = given
  for (const name of NUMBERS) if (given[name] !== undefined) checkNumber(given[name], `setMeta: ${name}`)
  for (const name of LIMITS) if (given[name] !== undefined) checkLimit(given[name], `setMeta: ${name}`)
  if (given.interval !== undefined) toStorableMs(given.interval, 'setMeta: interval')
  for (const name of FLAGS) {
    if (!['boolean', 'undefined'].includes(typeof given[name])) {
      throw unexpected(`setMeta: ${name}`, 'true or false', given[name])
    }
  }
  if (nextContinuous !== undefined) checkDate(nextContinuous, 'setMeta: nextContinuous')
  const valued = [...NUMBERS, ...FLAGS].filter((name) => given[name] !== undefined)
  return {
    ...Object.fromEntries(valued.map((name) => [name, given[name]])),
    ...('nextContinuous' in given && { nextContinuous }),
  }
}

export function changedMeta<Meta extends DerivedMeta>(meta: Meta, change: MetaChange): Meta {
  const continuous = (change.continuous ?? meta.continuous) && meta.canBeContinuous
  return { ...meta, ...change, continuous }
}
