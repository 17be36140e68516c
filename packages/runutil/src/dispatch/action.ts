import { isDeepStrictEqual } from 'node:util'
import { ErrActionEnded } from './errors.ts'

export const ACTION_STATUSES = ['running', 'succeeded', 'failed'] as const
/** Whether an action has ended, and how. */
export type ActionStatus = (typeof ACTION_STATUSES)[number]

/** A task for the worker of a target, and its outcome. */
export interface Action<I = unknown, O = unknown> {
  /** Made by the manager; unique in the ledger. */
  readonly id: string
  /** The operation of the action's manager. */
  readonly operation: string
  /** The worker's host, and the target that it works on; they may be the same. */
  readonly host: string
  readonly target: string
  /** JSON: what the schema of inputs made of what was given to `do`. */
  readonly input: I
  readonly status: ActionStatus
  /** What `update` last set; undefined until then. */
  readonly output?: O
  /** Why it failed. */
  readonly error?: string
  readonly createdAt: Date
  /** When it was created or last changed, by the clock of who did that. */
  readonly updatedAt: Date
}

export const ACTION_FIELDS = [
  'id',
  'operation',
  'host',
  'target',
  'input',
  'status',
  'output',
  'error',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof Action)[]

/** The task that a worker's handler receives. */
export interface Task<I = unknown> {
  /** The id of the action that its results belong to. */
  readonly action: string
  /** The input of the action. */
  readonly input: I
  /** The host that the worker was registered with. */
  readonly host: string
  readonly target: string
}

/** An action as ledgers store it: JSON, with times in ms since the epoch. */
export interface ActionRecord extends Omit<Action, 'createdAt' | 'updatedAt'> {
  readonly createdAt: number
  readonly updatedAt: number
}

/** New values of an action's fields. Fields without a value change nothing. */
export type RecordChange = {
  readonly [F in keyof Omit<ActionRecord, 'createdAt'>]?: ActionRecord[F] | undefined
} & Pick<ActionRecord, 'id' | 'updatedAt'>

/** Whether two actions are the same task: deeply the same input, on the same host and target. */
export function equivalentAction(a: Action, b: Action): boolean {
  return a.host === b.host && a.target === b.target && isDeepStrictEqual(a.input, b.input)
}

/** The end of an action that no worker will perform, or whose outcome is unknown. */
export const LOST = { status: 'failed', error: 'worker lost' } as const

/** Fields without a value change nothing. @throws ErrActionEnded when the action has ended with another status */
export function changedRecord(record: ActionRecord, change: RecordChange): ActionRecord {
  const { id, status } = record
  if (status !== 'running' && change.status !== undefined && change.status !== status) {
    throw new ErrActionEnded(id, status)
  }
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  return { ...record, ...(Object.fromEntries(given) as Partial<ActionRecord>), createdAt: record.createdAt }
}

/** A copy: changing it does not change the ledger. */
export function toAction<I, O>(record: ActionRecord): Action<I, O> {
  const { createdAt, updatedAt, ...rest } = structuredClone(record) as ActionRecord & { input: I; output: O }
  return Object.freeze({ ...rest, createdAt: new Date(createdAt), updatedAt: new Date(updatedAt) })
}
