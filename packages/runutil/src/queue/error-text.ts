const LONGEST = 10_000

/** An error's text as every store can keep it: not too long, no NUL, no half of a surrogate pair. */
export function errorText(text: string): string {
  return text
    .slice(0, LONGEST)
    .replaceAll('\0', '\\0')
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')
}
