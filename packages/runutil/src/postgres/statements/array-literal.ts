/** A text array as PostgreSQL reads it. Faster than a driver's own for the thousands of values of a batch. */
export function textArray(values: readonly (string | undefined)[]): string {
  return `{${values.map(element).join(',')}}`
}

/** An array of numbers or booleans. */
export function plainArray(values: readonly (number | boolean | undefined)[]): string {
  return `{${values.map((value) => value ?? 'null').join(',')}}`
}

function element(value: string | undefined): string {
  if (value === undefined) return 'null'
  return `"${/["\\]/.test(value) ? value.replace(/["\\]/g, '\\$&') : value}"`
}

/** As the other two, but empty when no value is given: the callee fills it up. */
export function unlessNone<T>(
  values: readonly (T | undefined)[],
  array: (values: readonly (T | undefined)[]) => string,
): string {
  return values.every((value) => value === undefined) ? '{}' : array(values)
}

/** As the other two, but with one element where all are the same: it stands for all. */
export function unlessSame<T>(values: readonly T[], array: (values: readonly T[]) => string): string {
  return array(values.every((value) => value === values[0]) ? values.slice(0, 1) : values)
}
