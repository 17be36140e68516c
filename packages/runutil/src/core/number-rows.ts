/** The numbers of one object, from `at` on. */
export interface NumberRow {
  readonly numbers: Float64Array
  /** The same memory: the number at `n` is also the four shorts from `4 * n` on. */
  readonly shorts: Uint16Array
  readonly at: number
}

/** Few enough that a block doesn't outlive most of its objects. */
const ROWS_OF_BLOCK = 64

/**
 * Creates rows of so many numbers, all 0, for objects that exist many times and are used one after another. In fields, V8 gives each
 * number that isn't a small integer an object of its own, and with many objects most of the time goes into waiting for memory.
 */
export function numberRows(width: number): () => NumberRow {
  let numbers = new Float64Array(0)
  let shorts = new Uint16Array(0)
  let next = 0
  return () => {
    if (next === numbers.length) {
      numbers = new Float64Array(ROWS_OF_BLOCK * width)
      shorts = new Uint16Array(numbers.buffer)
      next = 0
    }
    const row = { numbers, shorts, at: next }
    next += width
    return row
  }
}
