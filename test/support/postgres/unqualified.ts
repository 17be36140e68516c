/** What may stand before a parenthesis and is no function. */
const BEFORE_PARENTHESIS = new Set(
  `all and any array as coalesce exists filter from greatest in key least lateral materialized not on or over
   row select set then update vacuum using values when where with by conflict else operator returning`.split(
    /\s+/,
  ),
)
/** Types whose names are keywords, and so always PostgreSQL's. */
const KEYWORD_TYPES = new Set(
  `bigint bit boolean char character double int integer interval numeric real smallint time timestamp varchar`.split(
    ' ',
  ),
)
/** They stand for an operator that is looked for by the search_path, and can't be named in full. */
const HIDDEN_OPERATORS = ['between', 'ilike', 'in', 'like', 'natural', 'nullif', 'similar', 'cast']

interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'body' | 'number' | 'operator' | 'mark'
  readonly text: string
}

const TOKENS: [Token['kind'] | undefined, RegExp][] = [
  [undefined, /\s+|--.*|\/\*[^]*?\*\//y],
  ['body', /\$\$[^]*?\$\$/y],
  ['string', /'(?:[^']|'')*'/y],
  ['quoted', /"(?:[^"]|"")*"/y],
  ['word', /[a-z_][\w$]*|\$\d+/iy],
  ['number', /\d+(?:\.\d+)?(?:e\d+)?/iy],
  ['mark', /::|:=|[(),.;:[\]]/y],
  ['operator', /[-+*/<>=~!@#%^&|`?]+/y],
]

/** What in a statement means what the session's search_path says, each with what stands around it. */
export function unqualified(sql: string): string[] {
  return new Reading(tokensOf(sql)).found()
}

class Reading {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0
  /** Behind `set`, where a = assigns: at this depth, once behind each comma. */
  #assigning: { readonly depth: number; expected: boolean } | undefined

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  found(): string[] {
    return this.#tokens.flatMap((token, at) => {
      this.#at = at
      this.#follow()
      if (token.kind === 'body') return this.#isPinned() ? [] : unqualified(token.text.split('$$')[1]!)
      return this.#isFound(token) ? [this.#around()] : []
    })
  }

  #follow(): void {
    if (this.#is(0, '(', '[')) this.#depth++
    if (this.#is(0, ')', ']')) this.#depth--
    const depth = this.#depth
    const assigning = this.#assigning
    if (this.#is(0, 'set')) this.#assigning = { depth, expected: true }
    else if (assigning === undefined) return
    else if (depth === assigning.depth && this.#is(0, ',')) assigning.expected = true
    else if (depth < assigning.depth || this.#is(0, 'where', 'from', 'returning', ';'))
      this.#assigning = undefined
  }

  #isFound({ kind, text }: Token): boolean {
    if (kind === 'operator') return !this.#isKnownOperator(text)
    if (text === '::')
      return this.#token(1)?.kind !== 'quoted' && !this.#is(1, 'pg_catalog', ...KEYWORD_TYPES)
    return kind === 'word' && (this.#isCall(text) || this.#hidesOperator())
  }

  #isKnownOperator(text: string): boolean {
    const assigning = this.#assigning
    if (text === '=' && assigning?.expected && this.#depth === assigning.depth) {
      assigning.expected = false
      return true
    }
    if (text === '*' && (this.#token(1) === undefined || this.#is(1, ')', 'from', ',') || this.#is(-1, '.')))
      return true
    if (text === '-' && this.#token(1)?.kind === 'number' && this.#is(-1, '(', ',', 'then', 'else'))
      return true
    return this.#is(-4, 'operator') && this.#is(-1, '.') && this.#is(1, ')')
  }

  #isCall(word: string): boolean {
    const isNamed = this.#is(-1, '.', 'as', 'function', 'into', 'join')
    return this.#is(1, '(') && !isNamed && !BEFORE_PARENTHESIS.has(word)
  }

  #hidesOperator(): boolean {
    if (this.#is(0, ...HIDDEN_OPERATORS)) return !this.#is(-1, 'schema', '.')
    if (this.#is(0, 'case')) return !this.#is(1, 'when')
    return (this.#is(0, 'using') && this.#is(1, '(')) || (this.#is(0, 'distinct') && this.#is(1, 'from'))
  }

  /** Whether the function pins its path, whose body this is. */
  #isPinned(): boolean {
    const begins = this.#tokens.findLastIndex(({ text }, at) => at < this.#at && text === 'create')
    const header = this.#tokens.slice(begins, this.#at).map(({ text }) => text)
    return header.join(' ').includes('set search_path = pg_catalog , pg_temp')
  }

  #around(): string {
    const around = this.#tokens.slice(Math.max(0, this.#at - 4), this.#at + 5)
    return around.map(({ text }) => text).join(' ')
  }

  #token(offset: number): Token | undefined {
    return this.#tokens[this.#at + offset]
  }

  #is(offset: number, ...texts: readonly string[]): boolean {
    const token = this.#token(offset)
    return token !== undefined && token.kind !== 'string' && texts.includes(token.text.toLowerCase())
  }
}

function tokensOf(sql: string): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < sql.length;) {
    const [kind, text] = tokenAt(sql, at)
    if (kind !== undefined) tokens.push({ kind, text })
    at += text.length
  }
  return tokens
}

function tokenAt(sql: string, at: number): [Token['kind'] | undefined, string] {
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = at
    const text = pattern.exec(sql)?.[0]
    if (text !== undefined) return [kind, text]
  }
  throw new Error(`expected SQL; got ${sql.slice(at, at + 20)}`)
}
