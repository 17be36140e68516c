import { PermissionDeniedError } from './errors.ts'

/** insufficient_privilege */
const DENIED = '42501'

/** The server's error about missing privileges, as one that names the GRANTs; undefined for other errors. */
export function permissionError(error: unknown, schema: string): PermissionDeniedError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ((at as { code?: unknown }).code === DENIED) return new PermissionDeniedError(schema, at)
  }
  return undefined
}
