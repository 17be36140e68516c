/** Control characters, those that turn the direction of what follows, and halves of characters: a terminal would obey them. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** A text on one line, as a terminal may show it: what isn't printable is written as an escape. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, escaped)
}

/** As `printable`, on as many lines as it has. */
export function printableLines(text: string): string[] {
  return text.split(/\r\n|\n/).map((line) => printable(line.replaceAll('\t', '  ')))
}

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return ' '
  const code = character.charCodeAt(0).toString(16)
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
}
