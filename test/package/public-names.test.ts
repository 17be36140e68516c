import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const manifest = JSON.parse(readFileSync(`${root}packages/runutil/package.json`, 'utf8')) as {
  exports: Record<string, string | { types: string }>
}

/** Entry points by the name they are imported by, with their source. */
const entryPoints = Object.entries(manifest.exports).flatMap(([path, files]) => {
  if (typeof files === 'string') return []
  const source = files.types.replace('./dist/', `${root}packages/runutil/src/`).replace(/\.d\.ts$/, '.ts')
  return [{ name: path.replace(/^\./, 'runutil'), source }]
})

const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
  config: object
}
const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root)
const program = ts.createProgram(
  entryPoints.map(({ source }) => source),
  options,
)
const checker = program.getTypeChecker()

interface PublicName {
  readonly name: string
  readonly kind: string
  readonly doc: string
}

function publicNames(source: string): PublicName[] {
  const file = program.getSourceFile(source)!
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(file)!)
  const names = symbols.map((symbol) => {
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
    const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol
    return { name: symbol.name, kind: kindOf(target), doc: firstSentence(target) }
  })
  return names.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function kindOf({ flags }: ts.Symbol): string {
  if (flags & ts.SymbolFlags.Class) return 'class'
  if (flags & ts.SymbolFlags.Function) return 'function'
  if (flags & ts.SymbolFlags.Value) return 'const'
  return 'type'
}

function firstSentence(symbol: ts.Symbol): string {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/\s+/g, ' ').trim()
  return /^.*?[.:?!](?= |$)/.exec(text)?.[0] ?? text
}

function list(names: PublicName[]): string {
  return names.map(({ name, kind, doc }) => `- ${kind} \`${name}\`: ${doc}`).join('\n')
}

describe('the public names', () => {
  it('are these, each with its first sentence', async () => {
    const sections = entryPoints.map(({ name, source }) => `## ${name}\n\n${list(publicNames(source))}\n`)
    const text = `# Public names\n\nWritten by the test beside it: \`vitest -u\` writes it again.\n\n${sections.join('\n')}`
    await expect(text).toMatchFileSnapshot('public-names.md')
  })

  it.each(entryPoints)('are all documented: $name', ({ source }) => {
    expect(publicNames(source).filter(({ doc }) => doc === '')).toEqual([])
  })
})
