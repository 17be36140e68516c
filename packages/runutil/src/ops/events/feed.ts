/** Something that readers follow by events. */
export interface Feed {
  /** The event that tells all of it; undefined before the first update. */
  whole(): Buffer | undefined
  /** Reads it anew. @returns the event that tells what has changed since the update before; undefined if nothing has */
  update(): Promise<Buffer | undefined>
}

/** An event of a stream. */
export function eventOf(name: string, data: unknown): Buffer {
  // JSON has no line breaks.
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** Why something can't be told, as the data of an event. */
export function failureOf(error: unknown): { readonly code: string; readonly message: string } {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return { code: typeof code === 'string' ? code : 'unavailable', message: String(message) }
}
