import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import * as names from '../../packages/runutil/src/postgres/database/qualified.ts'
import { migrations } from '../../packages/runutil/src/postgres/schema/migrations.ts'
import { unqualified } from '../support/postgres/unqualified.ts'

const src = fileURLToPath(new URL('../../packages/runutil/src', import.meta.url))
/** What migrations are made of: they pin their own path. */
const MIGRATIONS = /postgres\/schema\/(\d|numbers)/
/** As statements begin, or what has a cast in it. */
const LIKE_SQL = /::[a-z$"]|^\s*(select|insert into|update|delete from|set local|show)\s/i

describe('SQL', () => {
  const texts = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !MIGRATIONS.test(file))
    .flatMap((file) => textsIn(file))
  const marked = texts.filter(({ isMarked }) => isMarked)

  it('is found in the sources', () => {
    expect(marked.length).toBeGreaterThan(80)
  })

  it.each(marked)('in $where names in full what it takes from PostgreSQL', ({ text }) => {
    expect(unqualified(text)).toEqual([])
  })

  it('is marked as such wherever it may name something', () => {
    const unmarked = texts.filter(({ text, isMarked }) => !isMarked && LIKE_SQL.test(text))
    expect(unmarked.filter(({ text }) => unqualified(text).length > 0)).toEqual([])
  })

  it.each(migrations.map((migration) => [migration.name, migration] as const))(
    'of the functions of %s is under a pinned path, or named in full',
    (_, migration) => {
      const functions = migration.sql('"runutil"').match(/create function [^]*?\$\$[^]*?\$\$/g) ?? []
      expect(functions.length).toBeGreaterThan(0)
      for (const text of functions) expect(unqualified(bodyOf(text))).toEqual([])
    },
  )
})

/** The function without its header, but for the setting that pins its path. */
function bodyOf(text: string): string {
  const [header, body] = text.split('$$') as [string, string]
  return `create function ${/set search_path = [a-z_, ]*pg_temp/.exec(header)?.[0] ?? ''} as $$${body}$$`
}

describe('what is looked for', () => {
  it.each([
    ['an operator', 'select a = $1 from t'],
    ['an operator that is hidden in a word', `select a operator(pg_catalog.=) b and a in ('x')`],
    ['one that is hidden in two', 'select a is distinct from b'],
    ['a function', 'select now()'],
    ['an aggregate', 'select count(*) from t'],
    ['a type', 'select $1::text'],
    ['a type of lists', 'select $1::pg_catalog.text::float8[]'],
    ['a comparison after an assignment', 'update t set a = b = c'],
    ['a comparison where one may assign', 'update t set a = 1 where b = 2'],
    ['a multiplication', 'select a * b'],
    ['a simple case', 'select case a when 1 then 2 end'],
    ['a join by the names of columns', 'select 1 from a join b using (id)'],
    ['a body without a pinned path', 'create function f() language sql as $$ select now() $$'],
  ])('is %s', (_, text) => {
    expect(unqualified(text)).toHaveLength(1)
  })

  it.each([
    'select a operator(pg_catalog.=) any ($1::pg_catalog.text::pg_catalog.text[]), pg_catalog.count(*) from "s".t',
    `update "s".t set a = $1::bigint, (b, c) = row(coalesce(d, -1), e) where f is not null returning *`,
    `select $1::double precision operator(pg_catalog.*) interval '1 ms' as x -- a = b`,
    `insert into "s".t (a) select b from "s".f($1) as given (b, c) on conflict (a) do update set a = excluded.a`,
    'create function f() set search_path = pg_catalog, pg_temp as $$ select now() $$',
  ])('is nothing in %s', (text) => {
    expect(unqualified(text)).toEqual([])
  })
})

interface Text {
  readonly where: string
  readonly text: string
  readonly isMarked: boolean
}

/** All strings of a file, with something in the place of what is put into them. */
function textsIn(file: string): Text[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(src, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  )
  const texts: Text[] = []
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit)
    if (!ts.isStringLiteralLike(node) && !ts.isTemplateExpression(node)) return
    const text = ts.isTemplateExpression(node) ? filled(node) : node.text
    const isMarked = source.text.slice(node.pos, node.getStart()).includes('/* sql */')
    const { line } = source.getLineAndCharacterOfPosition(node.getStart())
    texts.push({ where: `${file}:${line + 1}`, text, isMarked })
  }
  visit(source)
  return texts
}

function filled({ head, templateSpans }: ts.TemplateExpression): string {
  const values: Record<string, unknown> = names
  let text = head.text
  for (const { expression, literal } of templateSpans) {
    const value = values[expression.getText()]
    // Of a text that is put in, only what is around it is looked at here; it may be a parameter's number.
    const other = text.endsWith('$') ? '1' : '"x"'
    text += (typeof value === 'string' ? value : other) + literal.text
  }
  return text
}
