/**
 * Sends a long list in chunks, one after another: while the server stores one, the next is written down.
 *
 * @param prepare makes what is sent of a chunk; `isLast` of the last one
 */
export async function inChunks<T, P>(
  all: readonly T[],
  size: number,
  prepare: (chunk: readonly T[], isLast: boolean) => P,
  send: (prepared: P) => Promise<void>,
): Promise<void> {
  let sent: Promise<void> = Promise.resolve()
  for (let at = 0; at < all.length; at += size) {
    const prepared = prepare(all.slice(at, at + size), at + size >= all.length)
    await sent
    sent = send(prepared)
  }
  await sent
}
