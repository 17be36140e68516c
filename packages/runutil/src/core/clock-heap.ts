/** The order of a heap. */
interface Due {
  readonly due: number
}

/** Adds to a binary heap in an array, the smallest `due` first. */
export function push<T extends Due>(heap: T[], slot: T): void {
  let at = heap.push(slot) - 1
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up]!
    if (parent.due <= slot.due) break
    heap[at] = parent
    at = up
  }
  heap[at] = slot
}

/** Removes the smallest. */
export function pop<T extends Due>(heap: T[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let down = 2 * at + 1
    if (down >= heap.length) break
    if (down + 1 < heap.length && heap[down + 1]!.due < heap[down]!.due) down++
    if (heap[down]!.due >= last.due) break
    heap[at] = heap[down]!
    at = down
  }
  heap[at] = last
}
