import { NotJsonError, toJson as toJsonText } from '../core/json.ts'
import { ErrInvalidJob } from './errors.ts'

/**
 * The JSON text of a value, as core's `toJson`.
 *
 * @param name what the value is; the message begins with it
 * @param most the most characters; default 4 MiB
 * @throws ErrInvalidJob says where and what
 */
export function toJson(value: unknown, name: string, most?: number): string {
  try {
    return toJsonText(value, name, most)
  } catch (error) {
    if (error instanceof NotJsonError) throw new ErrInvalidJob(error.message)
    throw error
  }
}
