/** A promise whose rejection is nobody's duty to handle. */
export function unobserved<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
