import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Clock } from '../core/clock.ts'
import { currentClock } from '../core/context.ts'
import { type Duration, toMs } from '../core/duration.ts'
import { unexpected } from '../core/errors.ts'
import { has } from '../core/has.ts'
import { checkOptions, checkText } from '../core/options.ts'
import { checkSchema } from '../core/schema.ts'
import type { ActionLedger } from './action-ledger.ts'

/** Options of a Manager. */
export interface ManagerOptions<I = unknown, O = unknown> {
  /** The operation that the workers perform. Managers with the same operation and ledger share workers and actions. */
  operation: string
  /** Where actions are kept, and through which workers get their tasks. */
  ledger: ActionLedger
  /** The schema of inputs. Default: any JSON. */
  input?: StandardSchemaV1<unknown, I> | undefined
  /** The schema of outputs. Default: any JSON. */
  output?: StandardSchemaV1<unknown, O> | undefined
  /**
   * How long a running action waits for its worker to register again before it fails. If the worker registers in time, an action
   * that the worker had started stays `running` until `update` ends it. Default 10 s.
   */
  gracePeriod?: Duration | undefined
  /** Default: the clock of the group, or the system clock. */
  clock?: Clock | undefined
}

/** The validated options, with all defaults. */
export interface ManagerSettings {
  readonly operation: string
  readonly ledger: ActionLedger
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  readonly graceMs: number
  readonly clock: Clock | undefined
}

const KNOWN = ['operation', 'ledger', 'input', 'output', 'gracePeriod', 'clock'] as const

/** @throws InvalidArgumentError, InvalidDurationError */
export function managerSettings<I, O>(options: ManagerOptions<I, O>): ManagerSettings {
  const {
    operation,
    ledger,
    input,
    output,
    gracePeriod = '10s',
    clock,
  } = checkOptions('Manager', options, KNOWN)
  if (typeof operation !== 'string' || operation === '') {
    throw unexpected('Manager: operation', "a name that isn't empty", operation)
  }
  checkText(operation, 'Manager: operation')
  if (!has(ledger, 'follow')) {
    throw unexpected(
      'Manager: ledger',
      'a MemoryActionLedger, JsonLinesActionLedger or PostgresActionLedger',
      ledger,
    )
  }
  checkSchema(input, 'Manager: input')
  checkSchema(output, 'Manager: output')
  return { operation, ledger, input, output, graceMs: toMs(gracePeriod, 'Manager: gracePeriod'), clock }
}

/** The clock of the options, or that of the running group. */
export function clockOf({ clock }: Pick<ManagerSettings, 'clock'>): Clock {
  return clock ?? currentClock()
}
