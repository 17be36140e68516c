/** JSON, by field. */
export type Data = Record<string, unknown>
