import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const inRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const SRC = inRoot('packages/runutil/src/')
const PAGE = inRoot('docs/errors.md')
const MARK = 'writes it again. -->\n'

const manifest = JSON.parse(readFileSync(inRoot('packages/runutil/package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string }>
}

interface ErrorClass {
  readonly name: string
  /** Several when one class stands for two. */
  readonly codes: readonly string[]
  readonly base: string | undefined
  /** Of its comment, the beginning. */
  readonly doc: string
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ts.createSourceFile(file, readFileSync(SRC + file, 'utf8'), ts.ScriptTarget.ES2022, true))
const classes = sources.flatMap((source) => source.statements.filter(ts.isClassDeclaration).map(read))
const errors = classes.filter(({ codes }) => codes.some((code) => code.startsWith('ERR_')))

function read(declaration: ts.ClassDeclaration): ErrorClass {
  const code = declaration.members
    .filter(ts.isPropertyDeclaration)
    .find(({ name }) => name.getText() === 'code')
  const codes = [...(code?.getText() ?? '').matchAll(/'(ERR_\w+)'/g)].map(([, text]) => text!)
  const base = declaration.heritageClauses?.[0]?.types[0]?.expression.getText()
  const doc =
    ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(declaration).find(ts.isJSDoc)?.comment) ?? ''
  return { name: declaration.name?.text ?? '', codes: [...new Set(codes)], base, doc: firstSentence(doc) }
}

/** Or the first two, where the first says little. */
function firstSentence(doc: string): string {
  const sentences = doc
    .replace(/\s+/g, ' ')
    .trim()
    .split(/(?<=[.:?!]) (?=[A-Z`])/)
  const [first = '', second = ''] = sentences
  return (first.length < 50 ? `${first} ${second}` : first).trim().replace(/:$/, '.')
}

/** Entry points with the names that they export. */
const entryPoints = Object.entries(manifest.exports).flatMap(([path, files]) => {
  if (typeof files === 'string') return []
  const file = files.types.replace('./dist/', '').replace(/\.d\.ts$/, '.ts')
  const source = sources.find(({ fileName }) => fileName === file)!
  return [{ name: path.replace(/^\./, 'runutil'), exported: namesIn(source) }]
})

function namesIn(entry: ts.SourceFile): string[] {
  return entry.statements.filter(ts.isExportDeclaration).flatMap(({ exportClause }) => {
    if (exportClause === undefined || !ts.isNamedExports(exportClause)) return []
    return exportClause.elements.map(({ name }) => name.text)
  })
}

/** Each under the first entry point that exports it. */
function sections(): string[] {
  const listed = new Set<string>()
  const parts = entryPoints.map(({ name, exported }) => {
    const here = errors.filter((error) => exported.includes(error.name) && !listed.has(error.name))
    for (const error of here) listed.add(error.name)
    return section(`\`${name}\``, here, name)
  })
  const inner = errors.filter((error) => !listed.has(error.name))
  return [...parts, section('Only inside', inner, '')].filter((part) => part !== '')
}

function section(title: string, listed: readonly ErrorClass[], entryPoint: string): string {
  if (listed.length === 0) return ''
  const rows = listed.flatMap(({ name, codes, doc }) => {
    const others = entryPoints.filter(({ name: entry, exported }) => {
      return entry !== entryPoint && exported.includes(name)
    })
    const also = others.length === 0 ? '' : ` Also of ${others.map(({ name }) => `\`${name}\``).join(', ')}.`
    return codes.filter((code) => isOwn(code, name)).map((code) => ({ code, name, text: `${doc}${also}` }))
  })
  rows.sort((a, b) => (a.code < b.code ? -1 : 1))
  const lines = rows.map(
    ({ code, name, text }) => `| \`${code}\` | \`${name}\` | ${text.replaceAll('|', '\\|')} |`,
  )
  return `### ${title}\n\n| code | class | when |\n| --- | --- | --- |\n${lines.join('\n')}\n`
}

/** Types of records may end in Error too. */
function isErrorClass(name: string): boolean {
  return /^Err|Error$/.test(name) && classes.some((known) => known.name === name)
}

/** A class whose code may be that of a class beneath it is listed by its own only. */
function isOwn(code: string, name: string): boolean {
  return !errors.some((error) => error.base === name && error.codes.length === 1 && error.codes[0] === code)
}

describe('the errors', () => {
  it('are in the manual, each with its code and first sentence', async () => {
    const page = readFileSync(PAGE, 'utf8')
    const head = page.slice(0, page.indexOf(MARK) + MARK.length)
    const text = `${head}\n${sections().join('\n')}`
    const options = { ...(await resolveConfig(PAGE)), parser: 'markdown' }
    await expect(await format(text, options)).toMatchFileSnapshot(PAGE)
  })

  it('each have a code and a comment, and no other class has the same code', () => {
    const named = entryPoints.flatMap(({ exported }) => exported.filter(isErrorClass))
    expect(named.filter((name) => !errors.some((error) => error.name === name))).toEqual([])
    expect(errors.filter(({ doc }) => doc === '')).toEqual([])
    const codes = errors.flatMap(({ name, codes }) => codes.filter((code) => isOwn(code, name)))
    expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([])
  })
})
