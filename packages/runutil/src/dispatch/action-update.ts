import type { StandardSchemaV1 } from '@standard-schema/spec'
import { unexpected } from '../core/errors.ts'
import { checkOptions, checkText } from '../core/options.ts'
import type { Change } from './action-changes.ts'
import { ACTION_FIELDS, ACTION_STATUSES, type Action } from './action.ts'
import { asJson } from './json.ts'
import { validJson } from './schema.ts'

/**
 * The change that a call of `update` requests; the manager sets the times.
 *
 * @throws InvalidActionError, InvalidArgumentError
 */
export async function changeOf(
  action: Partial<Action>,
  outputSchema: StandardSchemaV1 | undefined,
): Promise<Change> {
  const { output: given, ...rest } = checkOptions('update', action, ACTION_FIELDS)
  const { id, status } = rest
  if (typeof id !== 'string') throw unexpected('update: id', 'the id of an action', id)
  checkText(id, 'update: id')
  if (status !== undefined && !ACTION_STATUSES.includes(status)) {
    throw unexpected('update: status', "'running', 'succeeded' or 'failed'", status)
  }
  for (const name of ['operation', 'host', 'target'] as const) {
    const value: unknown = rest[name]
    if (value === '') throw unexpected(`update: ${name}`, 'a name', value)
    if (value !== undefined) checkText(value, `update: ${name}`)
  }
  const error: unknown = rest.error
  if (error !== undefined && typeof error !== 'string') throw unexpected('update: error', 'a string', error)
  const output = given === undefined ? undefined : await validJson(outputSchema, given, `output of ${id}`)
  const fields = asJson({ ...rest, id, createdAt: undefined, updatedAt: undefined }, `update of ${id}`)
  return { ...fields, output }
}
