import { PermissionDeniedError } from './errors.ts'

/** insufficient_privilege */
const DENIED = '42501'

/** What the server says to a role that lacks rights, as an error that says which; undefined for all else. */
export function permissionError(error: unknown, schema: string): PermissionDeniedError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ((at as { code?: unknown }).code === DENIED) return new PermissionDeniedError(schema, at)
  }
  return undefined
}
