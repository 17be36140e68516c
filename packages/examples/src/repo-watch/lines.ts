/** Numbers of lines of a file, by kind. */
export interface Lines {
  code: number
  comments: number
  blank: number
}

interface CommentStyle {
  /** The beginning of a comment line. */
  readonly line: RegExp
  /** The beginning and end of a comment of several lines. */
  readonly block?: readonly [RegExp, string]
}

const C_LIKE: CommentStyle = { line: /^\/\//, block: [/^\/\*/, '*/'] }
const SCRIPT: CommentStyle = { line: /^#/ }
const MARKUP: CommentStyle = { line: /^<!--.*-->$/, block: [/^<!--/, '-->'] }

const STYLES: Readonly<Record<string, CommentStyle>> = {
  ...of(C_LIKE, 'ts', 'tsx', 'js', 'jsx', 'mjs', 'cjs', 'go', 'rs', 'java', 'c', 'h', 'cpp', 'php', 'css'),
  ...of(SCRIPT, 'py', 'rb', 'sh', 'yml', 'yaml', 'toml'),
  ...of({ line: /^--/, block: [/^\/\*/, '*/'] }, 'sql'),
  ...of(MARKUP, 'html', 'xml', 'svg', 'md'),
}

const NO_COMMENTS: CommentStyle = { line: /^(?!)/ }

/** The file's name tells the language; a line with code and a comment is code. A binary file has no lines. */
export function classify(name: string, content: Uint8Array): Lines {
  const lines = { code: 0, comments: 0, blank: 0 }
  if (content.length === 0 || content.includes(0)) return lines
  const style = STYLES[/\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? ''] ?? NO_COMMENTS
  let isInBlock = false
  for (const line of linesOf(content)) {
    const begins: boolean = !isInBlock && style.block?.[0].test(line) === true
    if (line === '') lines.blank++
    else if (isInBlock || begins || style.line.test(line)) lines.comments++
    else lines.code++
    if (isInBlock || begins) isInBlock = !line.includes(style.block![1], begins ? 2 : 0)
  }
  return lines
}

function linesOf(content: Uint8Array): string[] {
  const text = Buffer.from(content).toString()
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map((line) => line.trim())
}

function of(style: CommentStyle, ...extensions: string[]): Record<string, CommentStyle> {
  return Object.fromEntries(extensions.map((extension) => [extension, style]))
}
