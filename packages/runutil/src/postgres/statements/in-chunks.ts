import { countWithin } from '../../core/weight.ts'

/** Splits a list by count and by size. */
export function chunksOf<T>(all: readonly T[], most: number, weigh: (item: T) => number): (readonly T[])[] {
  const chunks: (readonly T[])[] = []
  for (let at = 0; at < all.length;) {
    const next = all.slice(at, at + most)
    const chunk = next.slice(0, countWithin(next, weigh))
    chunks.push(chunk)
    at += chunk.length
  }
  return chunks
}

/**
 * Sends chunks one after another; the next one is prepared while the server stores the last.
 *
 * @param prepare makes the parameters of a chunk; `isLast` for the last one
 */
export async function inChunks<T, P>(
  chunks: readonly T[],
  prepare: (chunk: T, isLast: boolean) => P,
  send: (prepared: P) => Promise<void>,
): Promise<void> {
  let sent: Promise<void> = Promise.resolve()
  for (const [at, chunk] of chunks.entries()) {
    const prepared = prepare(chunk, at === chunks.length - 1)
    await sent
    sent = send(prepared)
  }
  await sent
}
