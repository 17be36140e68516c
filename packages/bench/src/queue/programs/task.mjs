// What each program here is called with: the contender's module and an object of options.
export const options = JSON.parse(process.argv[3])
export const contender = await import(`../contenders/${process.argv[2]}.mjs`)

export const payloads = (from, count) => Array.from({ length: count }, (_, place) => ({ n: from + place }))

/** Nanoseconds on the clock that all processes of a machine share. */
export const now = () => process.hrtime.bigint()

/** Prints the result, the last line, and ends, whatever is still open. */
export function finish(result = {}) {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}
